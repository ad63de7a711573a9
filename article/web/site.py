"""A site as a build makes it, and how it is published."""

import contextlib
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from article import paths
from article.errors import FalsehoodError, RefusalError
from article.web.folder import RECORD, assets, record, workplace
from article.web.html import Addresses, version
from article.web.imprint import Imprint
from article.web.markdown_text import fill
from article.web.viewer import copy_viewer, ensure_viewer
from scenes.export import light

COMMENT = re.compile(rb"^ *(?://[^\n]*|/\*\*(?:(?!\*/).)*\*/)\n", re.MULTILINE | re.DOTALL)  # lines of a script
IMPORTED = re.compile(rb'((?:import\(|from |import )"\.{1,2}/[\w/.-]+\.js)"')


DRAFT = "draft"  # the kind of a site whose statements may be false


@dataclass
class Site:
    """What a build has made: the files by name, what it knows of each scene, and the seconds of each stage."""

    kind: str  # a key of `folder.KINDS`
    url: str = ""  # where it will be published, if that is known
    fresh: bool = False  # nothing that earlier builds have kept is used
    scripts: Mapping[str, bytes] = field(default_factory=dict)  # besides those that every site has
    files: dict[str, bytes] = field(default_factory=dict)
    scenes: list[dict] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    imprint: Imprint = field(default_factory=Imprint)  # of its article
    false: list[str] = field(default_factory=list)  # statements, in a sentence each
    notes: list[str] = field(default_factory=list)  # what could not be had, in a sentence each

    @property
    def base(self) -> str:
        """What makes the name of a file an address; nothing if that is not known."""
        return f"{self.url.rstrip('/')}/" if self.url else ""

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Counts the seconds of a stage."""
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    @property
    def at(self) -> Addresses:
        """Where its pages find its files."""
        return Addresses(files=self.files, imprint=self.imprint)

    def furnish(self) -> None:
        """Adds style, light and scripts; these without the lines that are comments, as they travel to every reader."""
        made = {asset: (paths.ASSETS / asset).read_bytes() for asset in assets()} | dict(self.scripts)
        all_of_them = version(b"".join(made.values()) + (paths.ARTICLE / "package-lock.json").read_bytes())
        for name in made:
            if name.endswith(".js"):  # scripts name each other
                made[name] = IMPORTED.sub(rb"\g<1>?" + all_of_them.encode() + b'"', COMMENT.sub(b"", made[name]))
        self.files |= {".nojekyll": b"", "light.hdr": light.to_hdr()} | made

    def has_viewer(self) -> bool:
        """Whether model-viewer is there, or npm can bring it; if not, a note says why."""
        if missing := ensure_viewer():
            self.notes.append(f"{missing} The page shows stills.")
        return not missing

    @contextlib.contextmanager
    def published(self, out: Path) -> Iterator[None]:
        """Puts the site into a folder once all went well inside; until then, what is there stays.

        Raises RefusalError for a folder that holds anything but a site of this kind, or that cannot be written. A draft
        with false statements is put there, and FalsehoodError says which they are.
        """
        with workplace(out, self.kind) as work:
            yield
            with self.stage("write"):
                self.files["scenes.json"] = to_json(self.scenes)
                self.files[RECORD] = record(self.kind, self.files)
                for name, data in self.files.items():
                    (work / name).parent.mkdir(exist_ok=True)
                    (work / name).write_bytes(data)
                if self.scenes and self.has_viewer():
                    copy_viewer(work)
        if self.false:
            raise FalsehoodError("\n".join([*self.false, f"{out}/index.html has them in red."]))

    def summary(self, page: Path, template: Path, **values: object) -> str:
        """What a command has done, for the terminal: its own lines by a template, and those that all sites have."""
        own = fill(template.read_text("utf-8"), **values)
        return own + "\n".join([*(f"note        {note}" for note in self.notes), *self.told(page)])

    def told(self, page: Path) -> list[str]:
        """The lines for the terminal that all sites have in common."""
        stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in self.seconds.items())
        line = "scene       {file:<14}{values:>5} numbers{bytes:>9,} bytes"
        seconds = f"seconds     {sum(self.seconds.values()):.1f} in all: {stages}"
        return [*(line.format_map(scene) for scene in self.scenes), seconds, f"page        {page}"]


def read_article(name: str) -> str:
    """A text of the article, or something of what all pages are made from. Raises RefusalError."""
    folder = paths.ARTICLE if name.endswith(".md") else paths.ASSETS
    try:
        return (folder / name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RefusalError(f"the article cannot be read: {error}.") from None


def to_json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
