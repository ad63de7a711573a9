"""What a scene is built from: a trace, and what is derived from it, with the words for all its arrays."""

from dataclasses import dataclass
from typing import Any, ClassVar

import gpt
from scenes.analysis.words import WORDS
from scenes.words import Words, unnamed


@dataclass(frozen=True)
class View:
    """A trace, whose arrays and answers it passes on as its own; those that derive from it add theirs."""

    words: ClassVar[dict[str, Words]] = WORDS["view"]  # for its arrays
    trace: gpt.Trace

    def __getattr__(self, name: str) -> Any:  # of what neither the view nor its class has
        if name == "trace" or name.startswith("__"):  # as while a copy is made, when there is none yet
            raise AttributeError(name)
        return getattr(self.trace, name)

    def words_of(self, array: str) -> Words:
        """The words for an array; if there are none, its name."""
        return self.words.get(array) or unnamed(array)
