"""What a scene is built from: a trace, and what is derived from it."""

from dataclasses import dataclass
from typing import Any

import gpt


@dataclass(frozen=True)
class View:
    """A trace, whose arrays and answers it passes on as its own; those that derive from it add theirs."""

    trace: gpt.Trace

    def __getattr__(self, name: str) -> Any:  # of what neither the view nor its class has
        if name == "trace" or name.startswith("__"):  # as while a copy is made, when there is none yet
            raise AttributeError(name)
        return getattr(self.trace, name)
