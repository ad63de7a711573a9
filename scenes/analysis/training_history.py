"""The training as a film: what the embeddings and the answer were, at some of its steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

import gpt
from article.models import ensemble, recording
from scenes.analysis.view import View
from scenes.analysis.words import WORDS

STRIP = 5  # stills of a film


@dataclass(frozen=True)
class TrainingHistory(View):
    """The trace of a trained model, and what its training looked like at K steps, the last one its end."""

    words = View.words | WORDS["training_history"]
    answer: str
    steps: tuple[int, ...]  # K
    course: np.ndarray  # (V, D, K); the embedding
    loss: np.ndarray  # (K,); on the corpus
    said: tuple[str, ...]  # K; the most probable next token of the sentence
    sure: np.ndarray  # (K,); the probability of the answer
    samples: tuple[str, ...]  # K; how the model continues the first half of the sentence
    said_at: tuple[str, ...]  # the most probable next token at every step, recorded or not, from step 0 to the last

    @cached_property
    def found(self) -> int | None:
        """The first of all steps at which the answer is predicted."""
        return self.said_at.index(self.answer) if self.answer in self.said_at else None

    @cached_property
    def settled(self) -> int | None:
        """The step from which on it is always predicted."""
        others = [step for step, said in enumerate(self.said_at) if said != self.answer]
        after = others[-1] + 1 if others else 0
        return after if after < len(self.said_at) else None

    @cached_property
    def first(self) -> int:
        """The number of the first recorded step at which the answer is predicted; of the last if there is none."""
        return next((k for k, said in enumerate(self.said) if said == self.answer), len(self.steps) - 1)

    @cached_property
    def strip(self) -> list[int]:
        """The recorded steps that stand for the film where it cannot be played, by their numbers."""
        last = len(self.steps) - 1
        between = {round(last * n / (STRIP - 2)) for n in range(STRIP - 1)}
        return sorted(between | {self.first})

    def caption(self, k: int) -> str:
        """What there is to say of a recorded step."""
        first = f" (for the first time at step {self.found:,})" if k == self.first and self.found is not None else ""
        return (
            f"Step {self.steps[k]:,}: loss {self.loss[k]:.2f}. “{self.sentence}” goes on with “{self.said[k]}”"
            f"{first}, and “{self.answer}” has {self.sure[k]:.0%}. By itself it goes on: “{self.samples[k]}”."
        )

    def tables(self) -> list[dict]:
        """The steps in words and numbers; the numbers of the embeddings lie beside the file."""
        rows = [
            [f"{step:,}", float(loss), said, float(sure), sample]
            for step, loss, said, sure, sample in zip(
                self.steps, self.loss, self.said, self.sure, self.samples, strict=True
            )
        ]
        columns = ["loss", "next word", f"probability of {self.answer}", "by itself"]
        return [{"title": "The training, step by step", "corner": "step", "columns": columns, "rows": rows}]


def training_history(
    config: gpt.Config, tokenizer: gpt.Tokenizer, corpus: Sequence[str], trace: gpt.Trace, answer: str
) -> TrainingHistory:
    """The film of the training whose last trace of a sentence, which goes on with the answer, is given."""
    arrays = recording.explored(config, tokenizer, corpus, trace.sentence)
    models = [ensemble.restore(config, weights) for weights in arrays["frames"]]
    traces = [gpt.trace(model, tokenizer, trace.sentence) for model in models]
    course = np.stack([one.embedding for one in traces])  # (K, V, D)
    half = trace.tokens[: len(trace.tokens) // 2]
    return TrainingHistory(
        trace,
        answer=answer,
        steps=tuple(recording.film_steps(config.steps)),
        course=course.transpose(1, 2, 0),
        loss=arrays["frame_loss"],
        said=tuple(one.prediction for one in traces),
        sure=np.array([one.probability(answer) for one in traces]),
        samples=tuple(continued(model, tokenizer, half, len(trace.tokens) + 1 - len(half)) for model in models),
        said_at=tuple(trace.vocab[id] for id in arrays["said"]),
    )


def continued(model: gpt.GPT, tokenizer: gpt.Tokenizer, tokens: Sequence[str], more: int) -> str:
    """What a model adds to some tokens, so many more, each time the most probable one."""
    ids = tokenizer.encode(" ".join(tokens))
    with torch.no_grad():
        for _ in range(more):
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    return tokenizer.decode(ids)
