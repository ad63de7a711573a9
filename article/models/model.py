"""A trained model, and what is needed to ask it."""

from dataclasses import dataclass

import gpt


@dataclass(frozen=True)
class OpenedModel:
    """A trained model, and what is needed to ask it."""

    config: gpt.Config
    tokenizer: gpt.Tokenizer
    model: gpt.GPT  # ours in float64; those from elsewhere in their own precision, at least float32
    corpus: tuple[str, ...]  # sentences that it was trained on, if they are known
    origin: str = ""  # what it is, such as "a nanoGPT checkpoint"
    notes: tuple[str, ...] = ()  # what is not as in the checkpoint, in a sentence each
