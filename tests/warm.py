"""Runs gpt.py again and again, as `python -B -W error gpt.py` does, but with the libraries imported already.

Their import takes most of the time of a run that refuses its input. This process has nothing of ours in it, and forks
for each run: there, a project's gpt.py and all that it imports are read anew from its folder. It is told what to run,
and gives the process; or which process to look after, and gives its exit status, or null while it runs.
"""

import gc
import importlib
import json
import os
import resource
import runpy
import signal
import sys
import warnings

LIBRARIES = ("torch.func", "pyvista", "trimesh", "sklearn.decomposition", "scipy.spatial", "markdown", "PIL.ImageDraw")
LIBRARIES += ("matplotlib.textpath", "matplotlib.backends.backend_svg", "tokenizers", "safetensors.torch", "tqdm")


def become(root: str, arguments: list[str], variables: dict[str, str], streams: list[str], most: int) -> None:
    """Turns this process into one that the shell would have started; no file gets beyond `most` bytes (-1: any)."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background, a shell has it ignored
    os.chdir(root)
    os.environ.update(variables)
    for number, (path, flags) in enumerate(zip(streams, (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)):
        os.dup2(os.open(path, flags), number)
    program = os.path.join(root, "gpt.py")
    sys.path[0], sys.argv = root, [program, *arguments]
    if most >= 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()  # or each child looks through all of it before it ends
    while line := sys.stdin.readline():
        request = json.loads(line)
        if "ended" in request:
            process, status = os.waitpid(request["ended"], 0 if request["wait"] else os.WNOHANG)
            print(os.waitstatus_to_exitcode(status) if process else "null", flush=True)
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the threads of the libraries sleep, and the child does not wait for them
            child = os.fork()
        if not child:
            become(**request)
            sys.exit()
        print(child, flush=True)
