"""The article as one file, which opens from the disk: scripts, scenes, stills and the evidence are inside it."""

import base64
import hashlib
import re
from collections.abc import Mapping
from html import escape

KINDS = {
    "glb": "model/gltf-binary",
    "svg": "image/svg+xml",
    "json": "application/json",
    "hdr": "image/vnd.radiance",
}
ORDER = (
    "view.js",
    "wheel.js",
    "figure.js",
    "film.js",
    "reader.js",
    "address.js",
    "notes.js",
    "share.js",
    "page.js",
)  # who is asked, first
IMPORT = re.compile(r'^import (?:(\{[^}]*\}) from )?"\./([\w.]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let) (\w+))", re.MULTILINE)


def single(files: Mapping[str, bytes], viewer: str, url: str = "") -> str:
    """The page of a site's files, with the source of the viewer, or with stills if that is empty.

    Pages that it does not hold are linked where the site is published; without such an `url`, they are not linked.
    """
    page, evidence = (files[name].decode() for name in ("index.html", "evidence.html"))
    main = re.search(r"<main[^>]*>(.*)</main>", page, re.DOTALL)
    proof = re.search(r'<main[^>]*>\s*(<div class="evidence">.*</div>)\s*<div class="note"', evidence, re.DOTALL)
    if main is None or proof is None:
        raise ValueError("the pages have no main part")
    inside = proof[1].replace("<h1>", '<h1 id="evidence">')
    page = page.replace('<div class="note"', inside + '\n<div class="note"', 1)
    page = re.sub(r'<p class="files">.*?</p>|<p class="live-link">.*?</p>', "", page, flags=re.DOTALL)
    page = re.sub(r'href="(?:index|evidence)\.html(#[^"]*)"', r'href="\1"', page)
    page = page.replace('href="evidence.html"', 'href="#evidence"').replace('href="index.html"', 'href="#article"')
    link = r'<a [^>]*href="([\w.-]+\.(?:html|json)(?:#[^"]*)?)"[^>]*>(.*?)</a>'
    page = re.sub(link, lambda m: elsewhere(m, url), page, flags=re.DOTALL)
    page = page.replace('<script type="module" src="page.js"></script>\n', "")
    page = re.sub(r'((?:data-)?(?:src|marks)|environment-image)="([^":]+)"', lambda m: embedded(m, files), page)
    style, script = files["page.css"].decode(), bundle(files)
    viewer = viewer and f"delete globalThis.WebAssembly;\n{viewer}"  # figure.js says why
    scripts = ([viewer] if viewer else []) + [script]
    policy = {
        "default-src": "'none'",
        "script-src": " ".join(map(digest, scripts)),
        "style-src": digest(style),
        "img-src": "data: blob:",
        "connect-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    shadow = re.search(r"style-src 'self' ('sha256-[^']+')", page)
    policy["style-src"] += f" {shadow[1]}" if shadow else ""
    stated = escape("; ".join(f"{name} {value}" for name, value in policy.items()), quote=False)
    page = re.sub(r'(http-equiv="Content-Security-Policy" content=)"[^"]*"', lambda m: f'{m[1]}"{stated}"', page)
    page = page.replace('<link rel="stylesheet" href="page.css">', f"<style>{style}</style>")
    first = f"<script>{viewer}</script>\n" if viewer else ""
    return page.replace("</body>", f'{first}<script type="module">{script}</script>\n</body>')


def bundle(files: Mapping[str, bytes]) -> str:
    """The scripts of the pages as one: each a function that returns what it exports, so that no names collide."""
    parts = ["const modules = {};"]
    for name in ORDER:
        text = files[name].decode()
        exports = ", ".join(EXPORT.findall(text))
        text = IMPORT.sub(lambda m: f'const {m[1]} = modules["{m[2]}"];\n' if m[1] else "", text)
        parts.append(f'modules["{name}"] = (() => {{\n{EXPORT.sub("", text)}\nreturn {{ {exports} }};\n}})();')
    return "\n".join(parts).replace("</script", "<\\/script")


def elsewhere(match: re.Match[str], url: str) -> str:
    """A link to a page that is not inside: to where that is published, or its text alone."""
    return f'<a href="{escape(url.rstrip("/"))}/{match[1]}">{match[2]}</a>' if url else match[2]


def embedded(match: re.Match[str], files: Mapping[str, bytes]) -> str:
    """An attribute whose file is put in its place."""
    attribute, name = match[1], match[2]
    if name not in files:
        return match[0]
    kind = name.rsplit(".", 1)[-1]
    data = f"data:{KINDS[kind]};base64,{base64.b64encode(files[name]).decode()}"
    return f'{attribute}="{data}{"#.hdr" if kind == "hdr" else ""}"'  # by which the viewer knows its format


def digest(text: str) -> str:
    """What a policy calls a script or a style that it admits."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
