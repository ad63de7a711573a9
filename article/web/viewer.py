"""model-viewer, which npm installs."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from article import paths

VENDORED = ("vendor/model-viewer.min.js", "vendor/model-viewer.LICENSE.txt")
VIEWER = "node_modules/@google/model-viewer"


def ensure_viewer() -> str:
    """Has npm install model-viewer, once; returns what went wrong, or nothing."""
    with open(paths.ARTICLE / "package-lock.json") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # npm itself does not keep two installations apart
        wanted = json.load(lock)["packages"][VIEWER]["version"]
        whole = paths.KEPT / "node_modules" / ".package-lock.json"  # npm writes it when all is in place
        there = whole.is_file() and json.loads(whole.read_text())["packages"][VIEWER]["version"] == wanted
        reason = "" if there else run_npm()
    return reason and f"The 3D viewer is missing, because {reason}."


def copy_viewer(site: Path) -> None:
    """Copies model-viewer and its licence into the folder of a site."""
    script, licence = (site / name for name in VENDORED)
    script.parent.mkdir()
    shutil.copy(paths.KEPT / VIEWER / "dist" / script.name, script)
    shutil.copy(paths.KEPT / VIEWER / "LICENSE", licence)


def run_npm() -> str:
    """Installs what the lock file names; returns what went wrong, or nothing."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if not (npm := shutil.which("npm", path=path)):
        return "there is no npm to install it with"
    if paths.KEPT != paths.ARTICLE:
        try:
            paths.KEPT.mkdir(parents=True, exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(paths.ARTICLE / name, paths.KEPT)
        except OSError as error:
            return f"{paths.KEPT} cannot be written ({error.strerror})"
    patience = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=1000"]
    command = [npm, "ci", "--omit=peer", "--ignore-scripts", "--no-audit", "--no-fund", *patience]
    done = subprocess.run(command, cwd=paths.KEPT, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    if done.returncode == 0:
        return ""
    said = next((line for line in done.stderr.splitlines() if "code" in line), "it failed")
    return f"npm could not install it ({said.strip()})"
