"""A trained model, and all that can be derived from it."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gpt
    from scenes.analysis.ablation import Effects
    from scenes.analysis.decomposition import Anatomy, Readings
    from scenes.analysis.loss_landscape import Landscape
    from scenes.analysis.training_history import Film


@dataclass(frozen=True)
class Evidence:
    """A trained model, what it was trained on, and the trace of the prompt, the held-out sentence less its end."""

    config: "gpt.Config"
    tokenizer: "gpt.Tokenizer"
    corpus: list[str]
    held_out: list[str]
    model: "gpt.GPT"
    trace: "gpt.Trace"

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
        import torch

        import gpt

        ids, targets = gpt.batch(self.tokenizer, self.corpus)
        with torch.no_grad():
            return float(gpt.loss(self.model(ids).logits, targets))

    @cached_property
    def effects(self) -> "Effects":
        """What becomes of the answer without each part of the model."""
        from scenes.analysis.ablation import effects

        return effects(self.model, self.tokenizer, self.corpus, self.trace, self.answer)

    @cached_property
    def anatomy(self) -> "Anatomy":
        """The sums and products that the numbers of the trace are made of."""
        from scenes.analysis.decomposition import Anatomy

        return Anatomy(self.trace)

    @cached_property
    def readings(self) -> "Readings":
        """The same, and what the parts of its heads are, on average, where each token stands in the corpus."""
        from scenes.analysis.decomposition import readings

        return readings(self.model, self.tokenizer, self.corpus, self.trace)

    @cached_property
    def film(self) -> "Film":
        """Its training, step by step."""
        from scenes.analysis.training_history import film

        return film(self.config, self.tokenizer, self.corpus, self.trace, self.answer)

    @cached_property
    def landscape(self) -> "Landscape":
        """The loss around the model, in the plane in which its training moved most."""
        from scenes.analysis.loss_landscape import landscape

        return landscape(self.config, self.tokenizer, self.corpus, self.trace)
