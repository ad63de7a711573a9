"""What a training takes of memory, counted before anything is made of sizes that somebody has typed."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from article.errors import RefusalError
from article.models.settings import FIELDS, Settings

COPIES = 5  # of the weights: themselves, their gradients, two means of these, the best ones so far
SIZES = ("n_embd", "n_layer", "n_context", "batch_size", "n_vocab")  # which may be too large, the likeliest first
BYTES = {"float32": 4, "float64": 8}
GIGABYTE = 1e9


def parameters(settings: Settings) -> int:
    """How many numbers the model learns. Of the settings here, n_context and n_vocab are numbers other than 0."""
    D, L, V = settings.n_embd, settings.n_layer, settings.n_vocab
    return (V + settings.n_context) * D + L * (12 * D * D + 10 * D) + 2 * D


def needed(settings: Settings, shape: Sequence[int], ladder: bool = False) -> int:
    """The bytes that a training takes at least: the weights and what goes with them, and the pass of a part of a batch.

    `shape` is that of the ids that it reads: (lines, T), or (N,) for a text that windows are cut from. The simplest
    model of the `ladder` has a weight for every pair of tokens.
    """
    D, L, V, H = settings.n_embd, settings.n_layer, settings.n_vocab, settings.n_head
    T, B = min(settings.n_context, shape[-1]), -(-(settings.batch_size or shape[0]) // settings.accumulate)
    weights = max(parameters(settings), V * V if ladder else 0)
    block = T * D * 16 + 2 * H * T * T  # vectors and hidden units; scores and patterns
    return BYTES[settings.dtype] * (COPIES * weights + B * (L * block + T * V))


def check_memory(settings: Settings, shape: Sequence[int], ladder: bool = False, most: int | None = None) -> None:
    """Raises RefusalError for a training that takes more memory than there is, and says which size would do."""
    most = memory() if most is None else most
    takes = needed(settings, shape, ladder)
    if takes <= most:
        return
    too_much = f"takes {takes / GIGABYTE:,.1f} GB of memory, and there are {most / GIGABYTE:,.1f}"
    for name, value in fitting(settings, lambda other: needed(other, shape, ladder) <= most):
        raise RefusalError(f"{name} = {getattr(settings, name):,} {too_much}; at most {value:,} would do.")
    raise RefusalError(
        f"a model of {parameters(settings):,} parameters {too_much}; lower n_embd, n_layer and n_context."
    )


def fitting(settings: Settings, fits: Callable[[Settings], bool]) -> Iterator[tuple[str, int]]:
    """Each size that could be lowered alone until all fits, and the largest value that does it."""
    for name in SIZES:
        unit = settings.n_head if name == "n_embd" else 1
        low, high = 0, getattr(settings, name) // unit
        while low < high - 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fits(replace(settings, **{name: middle * unit})) else (low, middle)
        if low * unit >= max(2, int(FIELDS[name].metadata["least"])):
            yield name, low * unit


def memory() -> int:
    """The bytes of memory of this machine, or those that this process may use."""
    sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
        sizes.append(int(Path("/sys/fs/cgroup/memory.max").read_text("ascii")))
    return min(sizes)
