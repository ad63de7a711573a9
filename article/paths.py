"""Where the program, its texts and what it keeps lie."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ARTICLE = ROOT / "article"
ASSETS = ARTICLE / "web" / "assets"  # what the pages of every site have: template, style and scripts
