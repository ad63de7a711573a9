"""Where the program, its texts and what it keeps lie."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ARTICLE = ROOT / "article"
ASSETS = ARTICLE / "web" / "assets"  # what the pages of every site have: template, style and scripts

INSTALLED = (ARTICLE / "data").is_dir()  # by pip, among packages, where nothing is to be written
COMMAND = "vitrine" if INSTALLED else "gpt.py"
DATA = (ARTICLE if INSTALLED else ROOT) / "data"
DOCS = Path("docs") if INSTALLED else ROOT / "docs"
# What npm brings, and what is kept from one build to the next.
KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vitrine" if INSTALLED else ARTICLE
