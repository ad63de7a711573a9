"""A forward pass taken apart: the sums and products that its numbers are made of, as arrays that scenes can show."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

import gpt
from scenes.analysis.view import View
from scenes.analysis.words import WORDS


@dataclass(frozen=True)
class Decomposition(View):
    """A trace, and what can be computed from it alone. The letters of the shapes are those of `gpt`."""

    words = View.words | WORDS["decomposition"]

    @cached_property
    def token(self) -> np.ndarray:
        """The embedding of each token of the sentence (T, D)."""
        return self.embedding[[self.id(token) for token in self.tokens]]

    @cached_property
    def widest(self) -> tuple[int, int, int]:
        """Block, head and key of the largest attention weight into the last position."""
        weights = self.attention[:, :, -1]
        l, h, k = np.unravel_index(int(weights.argmax()), weights.shape)
        return int(l), int(h), int(k)

    @property
    def head(self) -> tuple[int, int]:
        """Block and head of that weight: the head that looks most."""
        return self.widest[:2]

    @cached_property
    def product(self) -> np.ndarray:
        """Query times key, component by component (L, H, T, T, D/H); their sum is the score."""
        return self.query[:, :, :, None] * self.key[:, :, None] / np.sqrt(self.query.shape[-1])

    # --- Maps -----------------------------------------------------------------------------------------------------

    @cached_property
    def map(self) -> np.ndarray:
        """The embeddings along their principal components (V, 3): the directions in which they differ most."""
        from sklearn.decomposition import PCA

        rows = self.embedding
        places = PCA(min(3, *rows.shape), svd_solver="full").fit(rows).transform(rows)
        return np.hstack([places, np.zeros((len(rows), 3 - places.shape[1]))])  # of a vocabulary of one or two tokens

    @property
    def map_shares(self) -> np.ndarray:
        """The share of the embeddings' variance along each of the three (3,)."""
        return self.map.var(axis=0) / self.embedding.var(axis=0).sum()

    @property
    def map_kept(self) -> float:
        """The share that the map keeps."""
        return float(self.map_shares.sum())

    # --- The final LayerNorm, step by step ------------------------------------------------------------------------

    @cached_property
    def centred(self) -> np.ndarray:
        """The last residual stream less its mean (T, D)."""
        return self.residual[-1] - self.residual[-1].mean(axis=-1, keepdims=True)

    @cached_property
    def deviation(self) -> np.ndarray:
        """What the centred vectors are divided by (T, 1)."""
        return np.sqrt((self.centred**2).mean(axis=-1, keepdims=True) + self.epsilon)

    @cached_property
    def standard(self) -> np.ndarray:
        """The centred vectors brought to one size (T, D)."""
        return self.centred / self.deviation

    @cached_property
    def scaled(self) -> np.ndarray:
        """Those times the gain (T, D); with the bias, they are `normed[-1]`."""
        return self.standard * self.gain

    # --- The answer -----------------------------------------------------------------------------------------------

    @cached_property
    def ranking(self) -> list[int]:
        """The ids of the vocabulary from the most to the least probable next token."""
        return np.argsort(-self.lens[-1, -1], kind="stable").tolist()

    @cached_property
    def candidate(self) -> np.ndarray:
        """The unembeddings of the vocabulary in that order (V, D)."""
        return self.unembedding[self.ranking]

    @cached_property
    def agreement(self) -> np.ndarray:
        """Last vector times unembedding, component by component, in that order (V, D); their sum is the logit."""
        return self.normed[-1, -1] * self.candidate

    # --- Who said it ----------------------------------------------------------------------------------------------

    @cached_property
    def origins(self) -> list[str]:
        """The names of what the last position's vector is the sum of."""
        L, H = self.mixed.shape[:2]
        names = ["embedding", "position"]
        for l in range(L):
            names += [f"block {l + 1}, {part}" for part in (*(f"head {h + 1}" for h in range(H)), "bias", "MLP")]
        return [*names, "final bias"]

    @cached_property
    def part(self) -> np.ndarray:
        """The vectors that it is the sum of, in the order of `origins` but for the last one (P-1, D)."""
        rows = [self.token[-1], self.position[-1]]
        for l in range(len(self.mixed)):
            heads = self.head_write[l, :, -1]
            rows += [*heads, self.attention_write[l, -1] - heads.sum(axis=0), self.mlp_write[l, -1]]
        return np.array(rows)

    @cached_property
    def share(self) -> np.ndarray:
        """What each origin adds to each logit (P, V), divided as the final LayerNorm does; they sum to the logits."""
        centred = self.part - self.part.mean(axis=-1, keepdims=True)
        scaled = centred / self.deviation[-1] * self.gain
        return np.vstack([scaled, self.bias]) @ self.unembedding.T


def key_of_token(model: gpt.GPT, tokenizer: gpt.Tokenizer, corpus: Sequence[str]) -> np.ndarray:
    """The mean key of each token over all places of the corpus where it stands (L, H, D/H, V).

    A token that the model never reads, as it only ends sentences, has zeros.
    """
    ids, targets = gpt.batch(tokenizer, corpus)
    real = targets != gpt.NO_TARGET  # (B, T)
    stands = torch.nn.functional.one_hot(ids[real], len(tokenizer.vocab)).to(model.embedding.weight.dtype)  # (n, V)
    weights = stands / stands.sum(0).clamp(min=1)
    with torch.no_grad():
        keys = [block["key"].transpose(1, 2)[real] for block in model(ids).inside]  # each (n, H, D/H)
    return torch.stack([torch.einsum("nhd,nv->hdv", rows, weights) for rows in keys]).numpy()
