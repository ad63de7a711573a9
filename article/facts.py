"""Every value and every claim that the prose refers to, computed from the model.

The prose names a value in braces, `{loss}`, and a claim as the target of a link, `[a sentence](claim:name)`.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import gpt


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
            return float(gpt.loss(self.model(ids).lens[-1], targets))


@dataclass(frozen=True)
class Claim:
    """What a claim came to: its predicate in words, the value it turned on, and whether it holds."""

    words: str
    value: str
    holds: bool


@dataclass(frozen=True)
class Facts:
    """All that the page is filled with: values by name, claims by name, and figures by the name of their file."""

    values: Mapping[str, str]
    claims: Mapping[str, Claim]
    figures: Mapping[str, dict]


Predicate = Callable[[Evidence], tuple[str, str, bool]]
CLAIMS: dict[str, Callable[[Evidence], Claim]] = {}


def claim(predicate: Predicate) -> Predicate:
    """Registers a predicate, which returns its words, its value and its truth, as a claim of its name."""

    def judge(evidence: Evidence) -> Claim:
        words, value, holds = predicate(evidence)
        return Claim(words, value, bool(holds))  # numpy's truth is no truth for JSON

    CLAIMS[predicate.__name__] = judge
    return predicate


def gather(evidence: Evidence, figures: Mapping[str, dict], url: str, preview: str) -> Facts:
    """Everything that the page may refer to, the picture for link previews at `url` among it.

    Raises ValueError for a corpus that the article does not speak of.
    """
    base = f"{url.rstrip('/')}/" if url else ""
    claims = {name: predicate(evidence) for name, predicate in CLAIMS.items()}
    return Facts(values(evidence) | {"preview": base + preview}, claims, figures)


# --- Measures -----------------------------------------------------------------------------------------------------


def pairs() -> list[tuple[str, str]]:
    """The linked words, animal and home, of the scenes that show them."""
    from scenes.animals import ANIMALS
    from scenes.homes import HOMES

    return list(zip(ANIMALS, HOMES, strict=True))


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """The cosine of the angle between two vectors: 1 for one direction, 0 for a right angle, -1 for opposites."""
    return float(a @ b / np.sqrt(a @ a * (b @ b)))


def cosines(evidence: Evidence, words: list[tuple[str, str]]) -> np.ndarray:
    """The cosine of the embeddings of each pair of words."""
    embedding = {token: evidence.trace.embedding[id] for id, token in enumerate(evidence.trace.vocab)}
    return np.array([cosine(embedding[a], embedding[b]) for a, b in words])


def among(words: list[str]) -> list[tuple[str, str]]:
    """Every two different words."""
    return [(a, b) for i, a in enumerate(words) for b in words[i + 1 :]]


def ranking(evidence: Evidence, level: int = -1) -> list[str]:
    """The vocabulary from the most to the least probable next word, read at a level of the residual stream."""
    return [evidence.trace.vocab[id] for id in np.argsort(-evidence.trace.lens[level, -1], kind="stable")]


def subject(evidence: Evidence) -> tuple[str, int]:
    """The animal of the prompt and its place there. Raises ValueError if the held-out sentence is not of that kind."""
    partner = {home: animal for animal, home in pairs()}.get(evidence.answer)
    if partner not in evidence.trace.tokens:
        raise ValueError(f"the held-out sentence {evidence.held_out[0]!r} does not lead from an animal to its home")
    return partner, evidence.trace.tokens.index(partner)


def most_opposed(evidence: Evidence) -> tuple[str, str]:
    """The linked pair with the lowest cosine."""
    return pairs()[int(cosines(evidence, pairs()).argmin())]


def looks(evidence: Evidence) -> np.ndarray:
    """How much of its attention the last position gives to the animal, per block and head (L, H)."""
    return evidence.trace.attention[:, :, -1, subject(evidence)[1]]


def floor(corpus: list[str]) -> float:
    """The least mean loss on the corpus, in nats a token: the entropy of a word given all words before it."""
    starts = [tuple(s.split()[: n + 1]) for s in corpus for n in range(1, len(s.split()))]
    whole, shorter = Counter(starts), Counter(start[:-1] for start in starts)
    return -sum(n * math.log(n / shorter[start[:-1]]) for start, n in whole.items()) / len(starts)


def length(vector: np.ndarray) -> float:
    return float(np.linalg.norm(vector))


# --- Values -------------------------------------------------------------------------------------------------------


def values(evidence: Evidence) -> dict[str, str]:
    """Every value by its name, as the text that stands for it."""
    trace, config = evidence.trace, evidence.config
    animal, home = subject(evidence)[0], evidence.answer
    T, V = len(trace.tokens), len(trace.vocab)
    middle = ranking(evidence, 1)[0]
    rivals = ranking(evidence)
    numbers = {
        "sentences": number(len(evidence.corpus)),
        "pairs": number(len(pairs())),
        "patterns": number((len(evidence.corpus) + len(evidence.held_out)) // len(pairs())),
        "words": str(V),
        "parameters": f"{evidence.parameters:,}",
        "components": str(config.n_embd),
        "blocks": number(config.n_layer),
        "heads": number(config.n_head),
        "hidden": str(4 * config.n_embd),
        "per_head": str(config.n_embd // config.n_head),
        "steps": f"{config.steps:,}",
        "tokens": number(T),
        "loss": f"{evidence.loss:.2f}",
        "guess_loss": f"{np.log(V):.2f}",
        "floor": f"{floor(evidence.corpus):.2f}",
        "distance": number(T - 1 - subject(evidence)[1]),
        "prompt": trace.sentence,
        "animal": animal,
        "home": home,
        "last_token": trace.tokens[-1],
        "prediction": trace.prediction,
        "probability": percent(trace.probability(trace.prediction)),
        "second": rivals[1],
        "second_probability": percent(trace.probability(rivals[1])),
        "middle": middle,
        "middle_probability": percent(trace.probability(middle, 1)),
        "home_probability_in_the_middle": percent(trace.probability(home, 1)),
        "first": ranking(evidence, 0)[0],
    }
    own = cosines(evidence, pairs())
    animals, homes = map(list, zip(*pairs(), strict=True))
    looked = looks(evidence)
    numbers |= {
        "linked_cosine": minus(own.mean()),
        "opposed_animal": most_opposed(evidence)[0],
        "opposed_home": most_opposed(evidence)[1],
        "opposed_cosine": minus(own.min()),
        "animals_least": minus(cosines(evidence, among(animals)).min()),
        "animals_most": minus(cosines(evidence, among(animals)).max()),
        "unlinked_least": minus(cosines(evidence, unlinked()).min()),
        "unlinked_most": minus(cosines(evidence, unlinked()).max()),
        "animals_cosine": minus(cosines(evidence, among(animals)).mean()),
        "homes_cosine": minus(cosines(evidence, among(homes)).mean()),
        "unlinked_cosine": minus(cosines(evidence, unlinked()).mean()),
        "look_1": percent(looked[0].max()),
        "look_2": percent(looked[-1].max()),
        "final_cosine": minus(cosine(trace.residual[-1, -1], trace.normed[-1, -1])),
        "home_cosine": minus(cosine(trace.normed[-1, -1], trace.embedding[trace.id(home)])),
        "length_in": f"{length(trace.residual[0, -1]):.1f}",
        "length_final": f"{length(trace.normed[-1, -1]):.1f}",
        "length_out": f"{length(trace.residual[-1, -1]):.1f}",
    }
    return numbers


def number(n: int) -> str:
    """A small number in words, a larger one in figures."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    return words[n] if n < len(words) else str(n)


def percent(part: float) -> str:
    """A share as a percentage: whole, but with a decimal where it is near 0 or 100."""
    return f"{part:.0%}" if 0.01 <= part <= 0.99 else f"{part:.1%}"


def minus(value: float) -> str:
    """A number with two decimals and a true minus sign."""
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def unlinked() -> list[tuple[str, str]]:
    """Every animal with every home but its own."""
    return [(a, h) for i, (a, _) in enumerate(pairs()) for j, (_, h) in enumerate(pairs()) if i != j]


# --- Claims -------------------------------------------------------------------------------------------------------


@claim
def generalises(evidence: Evidence) -> tuple[str, str, bool]:
    words = "the most probable next word of the prompt is the last word of the held-out sentence"
    return words, evidence.trace.prediction, evidence.trace.prediction == evidence.answer


@claim
def held_out_is_new(evidence: Evidence) -> tuple[str, str, bool]:
    animal, place = subject(evidence)
    start = evidence.trace.tokens[: place + 1]
    found = [s for s in evidence.corpus if tuple(s.split()[: place + 1]) == start]
    return f"no sentence of the corpus starts as the prompt does up to “{animal}”", f"{len(found)} do", not found


@claim
def far_better_than_guessing(evidence: Evidence) -> tuple[str, str, bool]:
    ratio = evidence.loss / np.log(len(evidence.trace.vocab))
    return "the loss is less than a tenth of that of guessing", f"{ratio:.2f} of it", ratio < 0.1


@claim
def at_the_floor(evidence: Evidence) -> tuple[str, str, bool]:
    above = evidence.loss - floor(evidence.corpus)
    return (
        "the loss is less than 0.02 nats above the entropy of the corpus",
        f"{above:.4f} above",
        -1e-9 <= above < 0.02,
    )


@claim
def linked_are_opposed(evidence: Evidence) -> tuple[str, str, bool]:
    own = cosines(evidence, pairs())
    words = "the embeddings of each of the linked pairs have a cosine below minus a quarter"
    return words, f"largest cosine {minus(own.max())}", own.max() < -0.25


@claim
def signs_are_opposed(evidence: Evidence) -> tuple[str, str, bool]:
    animal, home = most_opposed(evidence)
    one, other = (evidence.trace.embedding[evidence.trace.id(token)] for token in (animal, home))
    share = float((one * other < 0).mean())
    return "the signs of the most opposed pair differ in more than half of the components", percent(share), share > 0.5


@claim
def kinds_are_alike(evidence: Evidence) -> tuple[str, str, bool]:
    means = [cosines(evidence, among(list(kind))).mean() for kind in zip(*pairs(), strict=True)]
    words = "the mean cosine among the animals, and that among the homes, is above 0.2"
    return words, " and ".join(map(minus, means)), min(means) > 0.2


@claim
def strangers_are_unrelated(evidence: Evidence) -> tuple[str, str, bool]:
    mean = cosines(evidence, unlinked()).mean()
    return "the mean cosine of an animal and another's home is within 0.2 of zero", minus(mean), abs(mean) < 0.2


@claim
def positions_are_small(evidence: Evidence) -> tuple[str, str, bool]:
    trace = evidence.trace
    ratio = np.linalg.norm(trace.position, axis=1).mean() / np.linalg.norm(trace.embedding, axis=1).mean()
    return "position vectors are on average less than half as long as embeddings", f"{ratio:.2f}", ratio < 0.5


@claim
def only_the_past(evidence: Evidence) -> tuple[str, str, bool]:
    ahead = float(np.triu(evidence.trace.attention, 1).max())
    return "every weight of a key after its query is exactly zero", f"largest {ahead:g}", ahead == 0.0


@claim
def first_block_looks_back(evidence: Evidence) -> tuple[str, str, bool]:
    most = looks(evidence)[0].max()
    words = "a head of block 1 gives the animal more than half of the last position's attention"
    return words, percent(most), most > 0.5


@claim
def last_block_looks_back(evidence: Evidence) -> tuple[str, str, bool]:
    most = looks(evidence)[-1].max()
    words = "a head of the last block gives the animal more than half of the last position's attention"
    return words, percent(most), most > 0.5


@claim
def starts_as_itself(evidence: Evidence) -> tuple[str, str, bool]:
    first = ranking(evidence, 0)[0]
    words = "what enters block 1 at the last position, unembedded, reads as the last token itself"
    return words, first, first == evidence.trace.tokens[-1]


@claim
def undecided_in_the_middle(evidence: Evidence) -> tuple[str, str, bool]:
    best, part = ranking(evidence, 1)[0], evidence.trace.probability(evidence.answer, 1)
    words = "after block 1 another word than the answer is the most probable, and the answer has less than half"
    return words, f"{best}; the answer {percent(part)}", best != evidence.answer and part < 0.5


@claim
def grows(evidence: Evidence) -> tuple[str, str, bool]:
    ratio = length(evidence.trace.residual[-1, -1]) / length(evidence.trace.residual[0, -1])
    return (
        "the last position's vector leaves the last block longer than it entered the first",
        f"{ratio:.2f} times",
        ratio > 1,
    )


@claim
def layernorm_keeps_direction(evidence: Evidence) -> tuple[str, str, bool]:
    value = cosine(evidence.trace.residual[-1, -1], evidence.trace.normed[-1, -1])
    return "the cosine of the last vector before and after the final LayerNorm is above 0.9", minus(value), value > 0.9


@claim
def points_at_the_answer(evidence: Evidence) -> tuple[str, str, bool]:
    trace = evidence.trace
    near = max(trace.vocab, key=lambda token: cosine(trace.normed[-1, -1], trace.embedding[trace.id(token)]))
    return "of all embeddings, the answer's is nearest in direction to the last vector", near, near == evidence.answer


@claim
def second_is_far_behind(evidence: Evidence) -> tuple[str, str, bool]:
    first, second = (evidence.trace.probability(token) for token in ranking(evidence)[:2])
    return (
        "the most probable word is at least four times as probable as the second",
        f"{first / second:.0f} times",
        first > 4 * second,
    )
