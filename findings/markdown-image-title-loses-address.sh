#!/usr/bin/env bash
# Markdown 3.11.3 (Python-Markdown): a title in quotes is text on a link, and Markdown on an image: a link in it loses
# its address.
#
# Expected: what stands in quotes after an address is plain text, in links and images alike, inline or in a reference's
# definition: CommonMark's rule, and what Python-Markdown does in three of the four places.
# Seen: only in an inline image, links in the title are worked on first, and what is left of them as text becomes the
# title: "see [the data](https://example.org)" reads "see the data"; the address is nowhere in the page. Emphasis keeps
# its asterisks. The same title on a link, or on an image by reference, is kept whole. No warning. A caption that is
# made from titles, as figure extensions do, cannot have a link, and whoever writes one finds it gone.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet Markdown==3.11.3 markdown-it-py==4.3.0
"$work/venv/bin/python" - <<'PY'
import re

import markdown
from markdown_it import MarkdownIt

TITLE = "see [the data](https://example.org) and *b*"


def title(page):
    return re.search(r'title="([^"]*)"', page)[1]


titles = {}
for name, text in (
    ("link", f'[x](y "{TITLE}")'),
    ("image", f'![x](y "{TITLE}")'),
    ("link by reference", f'[x][r]\n\n[r]: y "{TITLE}"'),
    ("image by reference", f'![x][r]\n\n[r]: y "{TITLE}"'),
):
    titles[name] = title(markdown.markdown(text))
    print(f"{name:18}: {titles[name]}")
    assert title(MarkdownIt("commonmark").render(text)) == TITLE
assert titles.pop("image") == "see the data and *b*" and set(titles.values()) == {TITLE}, "the behaviour has changed"
PY
