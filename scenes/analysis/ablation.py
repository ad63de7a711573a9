"""What the parts of a model are good for: what becomes of its answer when one of them is taken away.

A part is cut at its place in the forward pass, so that everything after it is computed from what is left. It is set to
zero, or to its mean over the corpus, which takes away only what it says of this sentence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

import gpt
from scenes.analysis.view import View
from scenes.analysis.words import WORDS


class Cut(NamedTuple):
    """One part, and what it is replaced by: at a place of `gpt.GPT.forward`, at an index of what is there."""

    place: str
    at: tuple
    value: Tensor | float = 0.0


@dataclass(frozen=True)
class Ablation(View):
    """A trace, and the probabilities of the next token (V) that are left when a part is cut, as arrays of float64.

    The parts are each attention weight into the last position, each head, all heads of a block, and each MLP. Heads and
    MLPs are cut at every position, or at the last one alone. An effect is what it takes from the answer's probability.
    """

    words = View.words | WORDS["ablation"]
    answer: str
    without_weight: np.ndarray  # (L, H, T, V); by the key
    without_head: np.ndarray  # (L, H, V)
    without_heads: np.ndarray  # (L, V)
    without_mlp: np.ndarray  # (L, V)
    mean_weight: np.ndarray  # (L, H, T, V); set to the mean weight at the same distance
    mean_head: np.ndarray  # (L, H, V)
    mean_heads: np.ndarray  # (L, V)
    mean_mlp: np.ndarray  # (L, V)
    last_head: np.ndarray  # (L, H, V); cut at the last position alone
    last_heads: np.ndarray  # (L, V)
    last_mlp: np.ndarray  # (L, V)

    def effect(self, without: np.ndarray) -> np.ndarray:
        """What a cut takes from the probability of the answer; negative if it adds to it."""
        return self.probability(self.answer) - without[..., self.id(self.answer)]

    @cached_property
    def weight_effect(self) -> np.ndarray:
        """(L, H, T)."""
        return self.effect(self.without_weight)

    @cached_property
    def head_effect(self) -> np.ndarray:
        """(L, H)."""
        return self.effect(self.without_head)

    @cached_property
    def heads_effect(self) -> np.ndarray:
        """(L,)."""
        return self.effect(self.without_heads)

    @cached_property
    def mlp_effect(self) -> np.ndarray:
        """(L,)."""
        return self.effect(self.without_mlp)

    def tables(self) -> list[dict]:
        """The weights, and what cutting each part takes from the answer; cells are texts and numbers."""
        L, H, T, _ = self.attention.shape
        parts = ("head", "heads", "mlp")
        mean = {name: self.effect(getattr(self, f"mean_{name}")) for name in ("weight", *parts)}
        ways = [
            np.stack([self.effect(getattr(self, f"{way}_{name}")) for way in ("without", "mean", "last")], -1)
            for name in parts
        ]
        places = [(l, h) for l in range(L) for h in range(H)]
        rows = [
            [f"block {l + 1}, head {h + 1}{what}", *values[l, h].tolist()]
            for l, h in places
            for what, values in (
                ("", self.attention[:, :, T - 1]),
                (", set to zero", self.weight_effect),
                (", set to its mean", mean["weight"]),
            )
        ]
        whole = [
            *([f"block {l + 1}, head {h + 1}", *ways[0][l, h].tolist()] for l, h in places),
            *([f"block {l + 1}, all heads", *ways[1][l].tolist()] for l in range(L)),
            *([f"block {l + 1}, MLP", *ways[2][l].tolist()] for l in range(L)),
        ]
        return [
            {
                "title": "Each attention weight into the last position, and what cutting it takes from the answer",
                "corner": "weight of the key",
                "columns": list(self.tokens),
                "rows": rows,
            },
            {
                "title": "What cutting a whole part takes from the answer",
                "corner": "part",
                "columns": ["set to zero", "set to its mean", "set to zero at the last position alone"],
                "rows": whole,
            },
        ]


def ablate(model: gpt.GPT, tokenizer: gpt.Tokenizer, corpus: Sequence[str], trace: gpt.Trace, answer: str) -> Ablation:
    """Cuts every part of the model once while it reads the sentence of the trace, whose answer is a token."""
    L, H, T, _ = trace.attention.shape
    mean = means(model, tokenizer, corpus, T)
    cuts: dict[str, list[Cut]] = {}
    heads = [(f"mixed/{l}", h) for l in range(L) for h in range(H)]
    for way, value in (("without", lambda *_: 0.0), ("mean", lambda place, *index: mean[place][index])):
        cuts[f"{way}_weight"] = [
            Cut(f"attention/{l}", (h, T - 1, k), value(f"attention/{l}", h, T - 1 - k))
            for l, h, k in np.ndindex(L, H, T)
        ]
        cuts[f"{way}_head"] = [Cut(place, (h,), value(place, h)) for place, h in heads]
        cuts[f"{way}_heads"] = [Cut(f"mixed/{l}", (), value(f"mixed/{l}", slice(None), None)) for l in range(L)]
        cuts[f"{way}_mlp"] = [Cut(f"mlp/{l}", (), value(f"mlp/{l}")) for l in range(L)]
    cuts["last_head"] = [Cut(place, (h, T - 1)) for place, h in heads]
    cuts["last_heads"] = [Cut(f"mixed/{l}", (slice(None), T - 1)) for l in range(L)]
    cuts["last_mlp"] = [Cut(f"mlp/{l}", (T - 1,)) for l in range(L)]
    shapes = {"weight": (L, H, T, -1), "head": (L, H, -1), "heads": (L, -1), "mlp": (L, -1)}
    left = outcomes(model, tokenizer.encode(trace.sentence), [cut for part in cuts.values() for cut in part])
    parts = np.split(left, np.cumsum([len(part) for part in cuts.values()])[:-1])
    arrays: dict[str, Any] = {
        name: part.reshape(shapes[name.split("_")[1]]) for name, part in zip(cuts, parts, strict=True)
    }
    return Ablation(trace, answer=answer, **arrays)


def outcomes(model: gpt.GPT, ids: Sequence[int], cuts: Sequence[Cut]) -> np.ndarray:
    """The probabilities of the next token (n, V) after a sentence, each with one cut, all in one pass."""

    def edit(place: str, x: Tensor) -> Tensor:
        x = x.clone()
        for row, cut in enumerate(cuts):
            if cut.place == place:
                x[row][cut.at] = cut.value
        return x

    with torch.no_grad():
        return model(torch.tensor([ids] * len(cuts)), edit).logits[:, -1].softmax(-1).numpy()


def means(model: gpt.GPT, tokenizer: gpt.Tokenizer, corpus: Sequence[str], T: int) -> dict[str, Tensor]:
    """The mean of each part over all positions of the corpus, by place.

    Of the mixed values (H, D/H), of what an MLP writes (D), and of an attention weight, by the distance from its query
    back to its key (H, T); 0 for a distance that the corpus lacks.
    """
    seen: dict[str, Tensor] = {}
    ids, targets = gpt.batch(tokenizer, corpus)
    with torch.no_grad():
        model(ids, lambda place, x: seen.setdefault(place, x))
    real = targets != gpt.NO_TARGET  # (B, T)
    result = {}
    for place, x in seen.items():
        kind = place.split("/")[0]
        if kind == "mlp":
            result[place] = x[real].mean(0)
        elif kind == "mixed":
            result[place] = x.transpose(1, 2)[real].mean(0)
        elif kind == "attention":
            rows = x.transpose(1, 2)[real]  # (n, H, T); by query
            query = torch.arange(ids.shape[1]).expand(ids.shape)[real]
            far = [
                rows[query >= d].gather(2, (query[query >= d] - d)[:, None, None].expand(-1, x.shape[1], 1))[..., 0]
                for d in range(T)
            ]
            result[place] = torch.stack([part.mean(0) if len(part) else torch.zeros(x.shape[1]) for part in far], 1)
    return result
