"""Claims: predicates on a trained model, and what they came to over many trainings."""

import ast
import inspect
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from article.errors import RefusalError


class FactError(RefusalError, ValueError):
    """A value or a claim cannot be used; says which, and why."""


Truth = tuple[float | str, bool]  # the value that a predicate turns on, and whether it holds


class Outcome(NamedTuple):
    """What a claim came to in one training."""

    value: float | str
    text: str  # the value as it is written
    holds: bool


class Claim(NamedTuple):
    """A predicate, and what it came to: for the article's own model, and for each training of the survey."""

    name: str
    words: str
    code: str
    expression: str  # of the code, what is true or false
    own: Outcome
    survey: tuple[Outcome, ...]

    @property
    def held(self) -> int:
        """In how many trainings it holds."""
        return sum(outcome.holds for outcome in self.survey)

    @property
    def seeds(self) -> int:
        """How many trainings there are."""
        return len(self.survey)

    def reaches(self, bound: str, share: float) -> bool:
        """Whether it holds in "at-least" or "at-most" such a share of the trainings.

        Few trainings tell little of a share; they refute one only if Wilson's interval does.
        """
        low, high = self.interval if self.seeds < ENOUGH else (self.held / self.seeds,) * 2
        return high >= share if bound == "at-least" else low <= share

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval for the share of trainings in which it holds."""
        return wilson(self.held, self.seeds)


class Predicate(NamedTuple):
    """What `claim` registers."""

    words: str
    show: Callable[[Any], str]
    judge: Callable[[Any], Truth]


@dataclass(frozen=True)
class Facts:
    """All that the page is filled with: values by name, claims by name, and figures by the name of their file."""

    values: Mapping[str, str]
    claims: Mapping[str, Claim]
    figures: dict[str, dict] = field(default_factory=dict)


CLAIMS: dict[str, Predicate] = {}
ENOUGH = 16  # trainings whose share is taken as it is


def claim(words: str, show: Callable[[Any], str] = str) -> Callable[[Callable[[Any], Truth]], Callable[[Any], Truth]]:
    """Registers a predicate under its own name, with its meaning in words and how its value is written.

    Raises FactError for a second predicate of one name, and for one without words.
    """

    def register(judge: Callable[[Any], Truth]) -> Callable[[Any], Truth]:
        name, file = judge.__name__, Path(judge.__code__.co_filename)
        where = f"{file.parent.name}/{file.name}"
        if name in CLAIMS:
            raise FactError(f"{where}: there are two claims of the name {name!r}; change the claim.")
        if not words.strip():
            raise FactError(f"{where}: the claim {name!r} does not say in words what it means; change the claim.")
        CLAIMS[name] = Predicate(words, show, judge)
        return judge

    return register


def judge(name: str, evidence: Any) -> Outcome:
    """What a claim comes to in one training. Raises FactError for a predicate that gives no usable answer."""
    predicate = CLAIMS[name]
    try:
        value, holds = predicate.judge(evidence)
        text = written(name, value, predicate.show)
    except FactError:
        raise
    except Exception as error:  # whatever a predicate of the author's raises
        raise FactError(f"the claim {name!r} raises {type(error).__name__}: {error}") from None
    if not isinstance(holds, bool | np.bool_):
        raise FactError(f"the claim {name!r} is neither true nor false but {holds!r}")
    return Outcome(value if isinstance(value, str) else float(value), text, bool(holds))


def written(name: str, value: float | str, show: Callable[[Any], str]) -> str:
    """A value as text. Raises FactError for one that is not finite."""
    if not isinstance(value, str) and not math.isfinite(value):
        raise FactError(f"the value of {name!r} is {value}")
    return show(value)


def establish(name: str, own: Any, survey: Sequence[Any]) -> Claim:
    """A claim, evaluated on the article's own model and on every training."""
    predicate = CLAIMS[name]
    code = textwrap.dedent(inspect.getsource(predicate.judge))
    return Claim(name, predicate.words, code, expression(code), judge(name, own), tuple(judge(name, e) for e in survey))


def expression(code: str) -> str:
    """The source of what a predicate's last line returns as its truth."""
    function = ast.parse(code).body[0]
    last = function.body[-1] if isinstance(function, ast.FunctionDef) else function
    returned = last.value if isinstance(last, ast.Return) else None
    return ast.get_source_segment(code, returned.elts[-1] if isinstance(returned, ast.Tuple) else last) or code


def wilson(held: int, seeds: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval for a share: where it lies with a probability of 95 %, having seen it in so many trainings.

    From E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927).
    """
    share, weight = held / seeds, z * z / seeds
    middle = (share + weight / 2) / (1 + weight)
    reach = math.sqrt(share * (1 - share) * weight + weight * weight / 4) / (1 + weight)
    return max(middle - reach, 0.0), min(middle + reach, 1.0)
