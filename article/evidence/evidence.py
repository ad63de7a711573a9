"""A trained model, and all that can be derived from it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

import gpt
from scenes.analysis import views
from scenes.analysis.ablation import Ablation
from scenes.analysis.decomposition import Decomposition, TokenMeans
from scenes.analysis.loss_landscape import LossLandscape
from scenes.analysis.training_history import TrainingHistory


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

    @property
    def ablation(self) -> Ablation:
        """What becomes of the answer without each part of the model."""
        return self.view("ablation")

    @property
    def decomposition(self) -> Decomposition:
        """The sums and products that the numbers of the trace are made of."""
        return self.view("decomposition")

    @property
    def token_means(self) -> TokenMeans:
        """The same, and what the parts of its heads are, on average, where each token stands in the corpus."""
        return self.view("token_means")

    @property
    def training_history(self) -> TrainingHistory:
        """Its training, step by step."""
        return self.view("training_history")

    @property
    def loss_landscape(self) -> LossLandscape:
        """The loss around the model, in the plane in which its training moved most."""
        return self.view("loss_landscape")
