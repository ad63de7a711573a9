"""What is measured of a trained model, for the values and the claims of the article."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from article.evidence.claim import Truth
from article.evidence.evidence import Evidence
from scenes.analysis.ablation import Cut, outcomes
from scenes.analysis.decomposition import key_of_token
from scenes.analysis.linked import ANIMALS, HOMES


def pairs() -> list[tuple[str, str]]:
    """The linked words, animal and home, of the scenes that show them."""
    return list(zip(ANIMALS, HOMES, strict=True))


def kinds() -> tuple[list[str], list[str]]:
    """The animals and the homes."""
    return [animal for animal, _ in pairs()], [home for _, home in pairs()]


def unlinked() -> list[tuple[str, str]]:
    """Every animal with every home but its own."""
    return [(a, h) for i, (a, _) in enumerate(pairs()) for j, (_, h) in enumerate(pairs()) if i != j]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """The cosine of the angle between two vectors: 1 for one direction, 0 for a right angle, -1 for opposites."""
    return float(a @ b / np.sqrt(a @ a * (b @ b)))


def cosines(evidence: Evidence, words: Iterable[tuple[str, str]], embedding: np.ndarray | None = None) -> np.ndarray:
    """The cosine of the embeddings of each pair of words, in its own table (V, D) or another."""
    table, id = evidence.trace.embedding if embedding is None else embedding, evidence.trace.id
    return np.array([cosine(table[id(a)], table[id(b)]) for a, b in words])


def vector(evidence: Evidence, token: str) -> np.ndarray:
    """The embedding of a token."""
    return evidence.trace.embedding[evidence.trace.id(token)]


def products(evidence: Evidence) -> np.ndarray:
    """What each component (D,) adds to the logit of the prediction: last vector times embedding."""
    return evidence.trace.normed[-1, -1] * vector(evidence, evidence.trace.prediction)


def length(vector: np.ndarray) -> float:
    return float(np.linalg.norm(vector))


def lengths(vectors: np.ndarray) -> np.ndarray:
    """The length of each row."""
    return np.linalg.norm(vectors, axis=-1)


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


def most_opposed_component(evidence: Evidence) -> int:
    """The component, from 1, in which that pair is most opposed."""
    animal, home = most_opposed(evidence)
    return int((vector(evidence, animal) * vector(evidence, home)).argmin()) + 1


def opposed_signs(evidence: Evidence) -> float:
    """In which share of the components the signs of that pair differ."""
    animal, home = most_opposed(evidence)
    return float((vector(evidence, animal) * vector(evidence, home) < 0).mean())


def entering_cosine(evidence: Evidence) -> float:
    """The least cosine, over the prompt, of what enters the first block and the token's embedding."""
    return min(cosine(a, b) for a, b in zip(evidence.trace.residual[0], evidence.decomposition.token, strict=True))


def masked_share(evidence: Evidence) -> float:
    """For which share of the queries that have a future, in all heads, the best key lies there."""
    T = len(evidence.trace.tokens)
    return float((evidence.trace.score[:, :, :-1].argmax(-1) > np.arange(T - 1)).mean())


def silent(evidence: Evidence) -> np.ndarray:
    """Of how many hidden units of each block (L,) ReLU makes zero at the last position."""
    return (evidence.trace.hidden[:, -1] == 0).mean(axis=-1)


def idlest(evidence: Evidence) -> tuple[int, int, int]:
    """Block, head and key of the look at the animal, of those that take more than half, that costs the answer least."""
    animal, effect = subject(evidence)[1], evidence.ablation.weight_effect
    cost = np.where(looks(evidence) > 0.5, effect[:, :, animal], np.inf)
    l, h = np.unravel_index(int(cost.argmin()), cost.shape)
    return int(l), int(h), animal


def looks(evidence: Evidence) -> np.ndarray:
    """How much of its attention the last position gives to the animal, per block and head (L, H)."""
    return evidence.trace.attention[:, :, -1, subject(evidence)[1]]


def writes(evidence: Evidence) -> np.ndarray:
    """What each block adds to the last position (L, D)."""
    return np.diff(evidence.trace.residual[:, -1], axis=0)


def score_gap(evidence: Evidence) -> float:
    """How far, in the head that looks most, the best score of the last query is above the second."""
    l, h = evidence.decomposition.head
    first, second = np.sort(evidence.trace.score[l, h, -1])[:-3:-1]
    return float(first - second)


def without_positions(evidence: Evidence) -> np.ndarray:
    """The probabilities of the next token (V) if the positions are not added to the embeddings."""
    ids = evidence.tokenizer.encode(evidence.trace.sentence)
    return outcomes(evidence.model, ids, [Cut("entry", (), evidence.model.embedding.weight[ids])])[0]


def best(evidence: Evidence, probabilities: np.ndarray) -> str:
    """The most probable of the tokens (V)."""
    return evidence.trace.vocab[int(probabilities.argmax())]


def answered(evidence: Evidence, probabilities: np.ndarray) -> np.ndarray:
    """Whether the answer is the most probable of the tokens (..., V)."""
    return probabilities.argmax(-1) == evidence.trace.id(evidence.answer)


def contexts(sentence: str, reach: int | None) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each word of a sentence but the first, with so many words before it; with all of them if there is no reach."""
    words = sentence.split()
    for n in range(1, len(words)):
        yield tuple(words[0 if reach is None else max(0, n - reach) : n]), words[n]


def entropy(corpus: list[str], reach: int | None = None) -> float:
    """The mean surprise at the next word of the corpus, in nats, for who counted what follows so many words.

    With all words before it, that is the least loss that any model can have; with one word, a bigram model's.
    """
    seen = [pair for sentence in corpus for pair in contexts(sentence, reach)]
    both, before = Counter(seen), Counter(context for context, _ in seen)
    return -sum(n * math.log(n / before[context]) for (context, _), n in both.items()) / len(seen)


def counted(corpus: list[str], sentence: str, reach: int) -> float:
    """The probability of a sentence's last word for who counted what follows so many words in the corpus."""
    seen = [pair for line in corpus for pair in contexts(line, reach)]
    *_, (context, answer) = contexts(sentence, reach)
    before = sum(other == context for other, _ in seen)
    return sum(pair == (context, answer) for pair in seen) / before if before else 0.0


def fitting_best(e: Evidence, words: Sequence[str]) -> Truth:
    """How many of the words are among as many whose keys fit best, in the head that looks most."""
    l, h = e.decomposition.head
    fit = e.trace.query[l, h, -1] @ key_of_token(e.model, e.tokenizer, e.corpus)[l, h]
    best = [e.trace.vocab[id] for id in np.argsort(-fit)[: len(words)]]
    found = len(set(best) & set(words))
    return found, found == len(words)
