"""A trained model, and all that can be derived from it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

import gpt
from scenes.analysis import views


@dataclass(frozen=True)
class Evidence:
    """A trained model, what it was trained on, and the trace of the prompt, the held-out sentence less its end."""

    config: gpt.Config
    tokenizer: gpt.Tokenizer
    corpus: list[str]
    held_out: list[str]
    model: gpt.GPT
    trace: gpt.Trace

    @property
    def answer(self) -> str:
        """The last word of the held-out sentence."""
        return self.held_out[0].split()[-1]

    @property
    def parameters(self) -> int:
        return sum(weight.numel() for weight in self.model.parameters())

    @cached_property
    def loss(self) -> float:
        """The mean loss on the corpus, without dropout, in nats a token."""
        ids, targets = gpt.batch(self.tokenizer, self.corpus)
        with torch.no_grad():
            return float(gpt.loss(self.model(ids).logits, targets))

    @cached_property
    def made(self) -> dict[str, Any]:
        """The views that have been asked for."""
        return {}

    def view(self, shows: str) -> Any:
        """What a scene is built from, by its SHOWS; it is made once. Raises ValueError like `views.view`."""
        if shows not in self.made:
            self.made[shows] = views.view(shows, self)
        return self.made[shows]

    ablation = property(lambda self: self.view("ablation"))  # what becomes of the answer without each part of the model
    decomposition = property(lambda self: self.view("decomposition"))  # sums and products that the numbers are made of
    training_history = property(lambda self: self.view("training_history"))  # its training, step by step
    loss_landscape = property(lambda self: self.view("loss_landscape"))  # the loss in the plane of its training
