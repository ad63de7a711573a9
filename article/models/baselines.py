"""From counting pairs to the whole model, a rung at a time: each reads the past better than the one before."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

import gpt


class Answer(NamedTuple):
    """What a rung makes of ids (B, T)."""

    logits: Tensor  # (B, T, V)


class Bigram(nn.Module):
    """A table of logits: what follows each token, whatever came before it."""

    def __init__(self, config: gpt.Config) -> None:
        super().__init__()
        self.table = nn.Embedding(config.n_vocab, config.n_vocab)

    def forward(self, ids: Tensor, edit: gpt.Edit = lambda _, x: x) -> Answer:
        return Answer(self.table(ids))


class Mean(nn.Module):
    """Reads from all tokens so far alike: the average of their vectors, projected."""

    def __init__(self, config: gpt.Config) -> None:
        super().__init__()
        self.project = nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x: Tensor, edit: gpt.Edit) -> tuple[Tensor, gpt.Inside]:
        counts = torch.arange(1, x.shape[1] + 1, dtype=x.dtype, device=x.device)
        return self.project(x.cumsum(1) / counts[:, None]), {}


class Reader(nn.Module):
    """Embedding and position, one way to read from the past, and the unembedding: a GPT without blocks and MLP."""

    def __init__(self, config: gpt.Config, read: nn.Module) -> None:
        super().__init__()
        self.embedding = nn.Embedding(config.n_vocab, config.n_embd)
        self.position = nn.Embedding(config.n_context, config.n_embd)
        self.ln_1, self.read, self.ln_f = nn.LayerNorm(config.n_embd), read, nn.LayerNorm(config.n_embd)

    def forward(self, ids: Tensor, edit: gpt.Edit = lambda _, x: x) -> Answer:
        x = edit("entry", self.embedding(ids) + self.position.weight[: ids.shape[1]])
        write, _ = self.read(self.ln_1(x), edit)
        return Answer(self.ln_f(x + edit("write", write)) @ self.embedding.weight.T)


def rungs(config: gpt.Config) -> Iterator[tuple[str, nn.Module, float]]:
    """The models below the whole one, from the simplest: name, model, and its learning rate in those of the run.

    A table learns a row at a time, only where its token stands, and so needs a higher rate to come as far.
    """
    yield "trained bigram", Bigram(config), 10.0
    yield "averaging the past", Reader(config, Mean(config)), 1.0
    yield "one head", Reader(config, gpt.Attention(replace(config, n_head=1))), 1.0
    if config.n_head > 1:
        yield f"{config.n_head} heads", Reader(config, gpt.Attention(config)), 1.0
    yield "a block with its MLP", gpt.GPT(replace(config, n_layer=1)), 1.0
