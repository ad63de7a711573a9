"""Shows the article while it is written: `make serve` builds it anew whenever a file of it is saved.

Pages are served with a script that has them load themselves anew then, or show what is wrong; published ones lack it.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO, NoReturn

from article import paths
from article.errors import RefusalError
from article.escaping import say
from article.web.folder import refuse_to_replace

EVERY = 0.1  # seconds, in which the files are looked at
WATCHED = ("article", "scenes", "data", ".")  # of the last one, what is in it
APART = ("node_modules", ".kept", "__pycache__")
SCRIPT, STATE = "/-/reload.js", "/-/state"
MOST = 4000  # characters of what is wrong


class Handler(SimpleHTTPRequestHandler):
    """Serves the files of a site, its pages with the script, and the state: a version, and what is wrong."""

    def __init__(self, state: dict[str, Any], *arguments: Any, **options: Any) -> None:
        self.state = state
        super().__init__(*arguments, **options)

    def send_head(self) -> BinaryIO | io.BytesIO | None:
        path = self.path.partition("?")[0]
        file = Path(self.translate_path(path + "index.html" * path.endswith("/")))
        if path not in (SCRIPT, STATE) and file.suffix != ".html":
            return super().send_head()
        if path == STATE:
            data = json.dumps(self.state)
        elif path == SCRIPT:
            data = (paths.ASSETS / "served" / "reload.js").read_text("utf-8")
        else:
            page = file.read_text("utf-8") if file.is_file() else "<!doctype html><title>No such page</title></head>"
            script = f'<script type="module" src="{SCRIPT}?{self.state["version"]}"></script>'
            data = page.replace("</head>", f"{script}</head>", 1)
        self.send_response(200)
        kind = {STATE: "application/json", SCRIPT: "text/javascript"}.get(path, "text/html")
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.end_headers()
        return io.BytesIO(data.encode())

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nobody asks."""


def changed() -> dict[str, int]:
    """When each file that decides what the site is was changed last."""
    found = {}
    for part in WATCHED:
        for folder, folders, names in os.walk(paths.ROOT / part):
            folders[:] = [name for name in folders if name not in APART and part != "."]
            for name in names:
                with suppress(OSError):  # while it is saved
                    found[f"{folder}/{name}"] = os.stat(f"{folder}/{name}").st_mtime_ns
    return found


def serve(out: Path, port: int, options: list[str]) -> NoReturn:
    """Serves the site in `out`, on this machine alone, and builds it again and again. Raises RefusalError."""
    refuse_to_replace(out, "article")
    state: dict[str, Any] = {"version": 0, "problem": ""}
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, state, directory=str(out)))
    except OSError as error:
        raise RefusalError(f"port {port} cannot be used: {error.strerror}; choose another --port.") from None
    Thread(target=server.serve_forever, daemon=True).start()
    say(f"http://127.0.0.1:{server.server_port}/")
    command, seen = [sys.executable, str(paths.ROOT / "gpt.py"), "--out", str(out), *options], {}
    while True:
        if (now := changed()) != seen:
            seen, start = now, time.perf_counter()
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
            problem = done.stderr[-MOST:].removeprefix("gpt.py: ") if done.returncode else ""
            state |= {"version": state["version"] + (not problem), "problem": problem}
            say(problem.rstrip() or f"built in {time.perf_counter() - start:.1f} s", sys.stderr)
        time.sleep(EVERY)


def main() -> int:
    """Reads the options; what it does not know is for the builds. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m article.serve", description="Shows the article as it is written.")
    parser.add_argument("--out", type=Path, default=paths.DOCS, metavar="DIR", help="build it there, not in docs/")
    parser.add_argument("--port", type=int, default=8000, metavar="N", help="another one than 8000")
    known, others = parser.parse_known_args()
    try:
        serve(known.out.resolve(), known.port, others)
    except RefusalError as problem:
        print(f"serve: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
