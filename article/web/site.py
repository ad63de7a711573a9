"""A site as a build makes it: its files, what it knows of each scene, and the seconds of each stage."""

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from article import paths
from article.errors import RefusalError
from article.web.viewer import copy_viewer, ensure_viewer


@dataclass
class Site:
    """What a build has made: the files by name, what it knows of each scene, and the seconds of each stage."""

    files: dict[str, bytes] = field(default_factory=dict)
    scenes: list[dict] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    summary: str = ""
    notes: list[str] = field(default_factory=list)  # what could not be had, in a sentence each
    fresh: bool = False  # nothing that earlier builds have kept is used

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def has_viewer(site: Site) -> bool:
    """Whether model-viewer is there, or npm can bring it; if not, the site notes why."""
    missing = ensure_viewer()
    if missing:
        site.notes.append(f"{missing} The page shows stills.")
    return not missing


def finish(site: Site, work: Path) -> None:
    """Writes the files of a site into a folder, and the viewer beside them, if there is one."""
    with site.stage("write"):
        write(site, work)
        if has_viewer(site):
            copy_viewer(work / "vendor")


def write(site: Site, work: Path) -> None:
    """Writes the files of a site into a folder."""
    for name, data in site.files.items():
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_bytes(data)


def furnish(site: Site, pages: Mapping[str, str]) -> None:
    """Adds the pages to a site that has its scenes, and what they need."""
    from scenes.export import light

    site.files |= {name: page.encode() for name, page in pages.items()}
    site.files |= {"light.hdr": light.to_hdr(), ".nojekyll": b"", "scenes.json": to_json(site.scenes)}
    site.files |= {asset: (paths.ASSETS / asset).read_bytes() for asset in assets()}


def assets() -> list[str]:
    """The names of the style and the scripts that every page has."""
    return ["page.css", *sorted(path.name for path in paths.ASSETS.glob("*.js"))]


def read_article(name: str) -> str:
    """A text of the article, or something of what all pages are made from. Raises RefusalError."""
    folder = paths.ARTICLE if name.endswith(".md") else paths.ASSETS
    try:
        return (folder / name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RefusalError(f"the article cannot be read: {error}.") from None


def to_json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def told(site: Site, page: Path) -> list[str]:
    """The lines for the terminal that the sites of the article and of a run have in common."""
    return [
        *(
            f"scene       {scene['file']:<14}{scene['values']:>5} numbers{scene['bytes']:>9,} bytes"
            for scene in site.scenes
        ),
        f"seconds     {sum(site.seconds.values()):.1f} in all: "
        + ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in site.seconds.items()),
        f"page        {page}",
    ]
