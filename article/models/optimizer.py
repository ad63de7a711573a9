"""How weights follow their gradients in a run: AdamW, its learning rate, and the norms that the log has."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

import gpt
from article.models.settings import Settings

Row = dict[str, float]  # what the log has of a step, by column


def learning_rate(settings: Settings, step: int) -> float:
    """The learning rate of a step, counted from 0: it rises over the warm-up, then falls along a line or a cosine."""
    rising = (step + 1) / settings.warmup if step < settings.warmup else 1.0
    if settings.schedule == "linear":  # as in gpt.py
        return settings.learning_rate * min(rising, 1 - step / settings.steps)
    done = max(0, step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return settings.learning_rate * min(rising, 0.1 + 0.9 * (1 + math.cos(math.pi * done)) / 2)


class AdamW:
    """AdamW by torch's own function for it, which is quick with many weights; what decays is what does in gpt.py.

    torch's class for it would first import a compiler, which takes as long as the first hundreds of steps.
    """

    def __init__(self, model: nn.Module, settings: Settings) -> None:
        named = sorted(model.named_parameters(), key=lambda item: gpt.decays(item[0]))  # what decays comes last
        self.weights: list[Tensor] = [weight for _, weight in named]
        self.constant = sum(not gpt.decays(name) for name, _ in named)  # how many do not decay
        self.decay = settings.weight_decay
        self.state = {
            "mean": [torch.zeros_like(weight) for weight in self.weights],  # of the gradients
            "square": [torch.zeros_like(weight) for weight in self.weights],  # the mean of their squares
            "steps": [torch.zeros((), device=weight.device) for weight in self.weights],
        }

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Each weight moves by about the learning rate, along its gradient."""
        how: dict[str, Any] = {"fused": True, "amsgrad": False, "maximize": False, "lr": rate}
        how |= {"beta1": gpt.BETA_1, "beta2": gpt.BETA_2, "eps": gpt.EPSILON}
        for some, decay in ((slice(self.constant), 0.0), (slice(self.constant, None), self.decay)):
            mean, square, steps = (numbers[some] for numbers in self.state.values())
            weights = self.weights[some]
            gradients = cast(list[Tensor], [weight.grad for weight in weights])
            adamw(weights, gradients, mean, square, [], steps, **how, weight_decay=decay)

    def load(self, state: Mapping[str, Sequence[Tensor]]) -> None:
        """Goes on from a state. Raises ValueError for one of another model."""
        for name, numbers in self.state.items():
            for ours, kept in zip(numbers, state[name], strict=True):
                ours.copy_(kept)


def group(name: str) -> str:
    """The part of the model that a parameter belongs to: "block 1 attention", "embedding", "ln_f"."""
    parts = name.split(".")
    if parts[0] != "blocks":
        return parts[0]
    place = {"ln_1": "attention", "ln_2": "mlp"}.get(parts[2], parts[2])
    return f"block {int(parts[1]) + 1} {place}"


def norms(model: nn.Module) -> Row:
    """The norm of the gradients, of all and of each part of the model."""
    names, weights = zip(*model.named_parameters(), strict=True)
    squares: Row = {}
    for name, norm in zip(names, torch.stack([weight.grad.norm() for weight in weights]).tolist(), strict=True):
        squares[group(name)] = squares.get(group(name), 0.0) + norm * norm
    whole = math.sqrt(sum(squares.values()))
    return {"gradient": whole} | {f"gradient {part}": math.sqrt(square) for part, square in squares.items()}
