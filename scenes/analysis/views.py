"""What a scene can be built from, by the name that its SHOWS gives; "trace" if it has none."""

import inspect
from collections.abc import Callable
from typing import Any

from scenes.analysis.ablation import ablate
from scenes.analysis.aggregation import Aggregation, BlockAggregation
from scenes.analysis.comparison import Comparison, Outcome
from scenes.analysis.decomposition import Decomposition
from scenes.analysis.loss_landscape import loss_landscape
from scenes.analysis.training_history import training_history
from scenes.analysis.view import View

# What makes each; its parameters are what it needs to know.
VIEWS: dict[str, Callable[..., View]] = {
    "trace": View,
    "decomposition": Decomposition,
    "ablation": ablate,
    "training_history": training_history,
    "loss_landscape": loss_landscape,
    "outcome": lambda trace, failing: Outcome(trace, failing),  # beside a training that fails
    "aggregation": Aggregation,
    "block": BlockAggregation,
    "comparison": Comparison,
}


def view(shows: str, subject: Any) -> View:
    """What a scene is built from, by its SHOWS.

    The `subject` has attributes of the names that VIEWS asks for: a `trace`, and as far as there are any its `model`,
    `tokenizer`, `corpus`, `config` and `answer`, an `other` trace. Raises ValueError for a name that VIEWS lacks, and
    for a view that needs what the subject lacks.
    """
    if shows not in VIEWS:
        raise ValueError(f"there is nothing to show of the name {shows!r}; there is {', '.join(VIEWS)}")
    needs = list(inspect.signature(VIEWS[shows]).parameters)
    lacking = [name for name in needs if not hasattr(subject, name)]
    if lacking:
        raise ValueError(f"a scene of {shows!r} needs {', '.join(lacking)}, of which nothing is known here")
    return VIEWS[shows](**{name: getattr(subject, name) for name in needs})
