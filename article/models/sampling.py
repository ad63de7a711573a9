"""How a text goes on: from logits to shares, and from a random number to a token.

Temperature, top-k and top-p are applied in this order and mean what they mean in Hugging Face's transformers. Only
where tokens are exactly alike and top-p keeps some of them, which ones is left open there; here it is the lower ids.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

import gpt


@dataclass(frozen=True)
class Sampling:
    """What is done to the model's probabilities before a token is drawn; by default, nothing."""

    temperature: float = 1.0  # below 1 the probable tokens gain, above 1 the others; 0 takes the most probable one
    top_k: int | None = None  # only so many tokens, the most probable ones, can be drawn
    top_p: float | None = None  # only the fewest tokens that have this probability together


@dataclass(frozen=True)
class Draw:
    """How one token was chosen. Tensors have an entry for each token of the vocabulary (V,), by id."""

    context: tuple[int, ...]  # the ids that the model has read
    shares: dict[str, Tensor]  # by what was done last: the model's probabilities, then those after each change
    order: Tensor  # ids from the most probable to the least
    u: float | None  # the random number from 0 to 1; None if none was needed
    id: int

    @property
    def last(self) -> Tensor:
        """The shares (V,) that the token was drawn by; they sum to 1."""
        return list(self.shares.values())[-1]

    @property
    def up_to(self) -> Tensor:
        """What the shares add up to, in the order of `order` (V,), its own included."""
        return self.last[self.order].cumsum(0)


def changed(logits: Tensor, sampling: Sampling) -> dict[str, Tensor]:
    """The probabilities (V,) of logits (V,), and what temperature, top-k and top-p make of them, one after the other.

    At temperature 0 there is nothing to cut: the most probable token has it all; of two alike, the one of the lower id.
    """
    temperature, top_k, top_p = sampling.temperature, sampling.top_k, sampling.top_p
    shares = {"model": logits.softmax(-1)}
    scores = logits / temperature if temperature else logits
    if not temperature or not scores.isfinite().all():  # so cold that the division overflows: as good as 0
        winner = torch.zeros_like(logits)
        winner[logits.argmax()] = 1
        return shares | {f"temp. {temperature:g}": winner}
    if temperature != 1:
        shares[f"temp. {temperature:g}"] = scores.softmax(-1)
    if top_k is not None:
        least = scores.topk(min(top_k, len(scores))).values[-1]
        scores = scores.masked_fill(scores < least, -torch.inf)
        shares[f"top-k {top_k}"] = scores.softmax(-1)
    if top_p is not None:
        rising, ids = (part.flip(0) for part in scores.sort(descending=True, stable=True))
        cut = rising.softmax(-1).cumsum(-1) <= 1 - top_p
        cut[-1] = False  # the most probable one stays
        scores = scores.masked_fill(torch.zeros_like(cut).scatter(0, ids, cut), -torch.inf)
        shares[f"top-p {top_p:g}"] = scores.softmax(-1)
    return shares


def draw(context: Sequence[int], logits: Tensor, sampling: Sampling, random: torch.Generator) -> Draw:
    """Draws a token by its logits (V,): lays the shares end to end, the largest first, and looks where u falls."""
    shares = changed(logits, sampling)
    order = logits.sort(descending=True, stable=True).indices
    if not sampling.temperature:
        return Draw(tuple(context), shares, order, None, int(order[0]))
    laid = list(shares.values())[-1][order]
    u = torch.rand((), generator=random, dtype=torch.float64)
    place = int(torch.searchsorted(laid.cumsum(0), u, right=True))
    place = min(place, int(laid.nonzero().max()))  # rounding may leave the sum short of 1, and u behind it
    return Draw(tuple(context), shares, order, float(u), int(order[place]))


def draws(
    model: gpt.GPT, ids: Sequence[int], n: int, sampling: Sampling, random: torch.Generator, n_context: int
) -> Iterator[Draw]:
    """Draws n tokens that go on from ids; each reads those before it, at most the last n_context.

    Raises ValueError if there are no ids to go on from.
    """
    if not ids:
        raise ValueError("there is no token to go on from")
    ids, device = list(ids), next(model.parameters()).device
    for _ in range(n):
        context = ids[-n_context:]
        with torch.no_grad():
            logits = model(torch.tensor([context], device=device)).logits[0, -1].cpu().double()
        drawn = draw(context, logits, sampling, random)
        yield drawn
        ids.append(drawn.id)
