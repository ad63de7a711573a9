"""Every value and every claim that the prose refers to, computed from the model and from many trainings of it.

The prose names a value in braces, `{loss}`, and a claim as the target of a link, `[a sentence](claim:name)`. A claim is
a predicate on one trained model. Its sentence is about the article's own model, unless it states a share of the
trainings: `(claim:name?at-least=0.9)` or `(claim:name?at-most=0.5)`.
"""

import ast
import inspect
import math
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import gpt
    from article.anatomy import Anatomy, Readings
    from article.effects import Effects
    from article.film import Film
    from article.landscape import Landscape


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
        from article.effects import effects

        return effects(self.model, self.tokenizer, self.corpus, self.trace, self.answer)

    @cached_property
    def anatomy(self) -> "Anatomy":
        """The sums and products that the numbers of the trace are made of."""
        from article.anatomy import Anatomy
        from article.effects import fields_of

        return Anatomy(**fields_of(self.trace))

    @cached_property
    def readings(self) -> "Readings":
        """The same, and what the parts of its heads are, on average, where each token stands in the corpus."""
        from article.anatomy import readings

        return readings(self.model, self.tokenizer, self.corpus, self.trace)

    @cached_property
    def film(self) -> "Film":
        """Its training, step by step."""
        from article.film import film

        return film(self.config, self.tokenizer, self.corpus, self.trace, self.answer)

    @cached_property
    def landscape(self) -> "Landscape":
        """The loss around the model, in the plane in which its training moved most."""
        from article.landscape import landscape

        return landscape(self.config, self.tokenizer, self.corpus, self.trace)


class FactError(ValueError):
    """A value or a claim cannot be used; says which, and why."""


# --- Claims -------------------------------------------------------------------------------------------------------

Truth = tuple[float | str, bool]  # the value that a predicate turns on, and whether it holds


class Outcome(NamedTuple):
    """What a claim came to in one training."""

    value: float | str
    text: str  # the value as it is written
    holds: bool


@dataclass(frozen=True)
class Claim:
    """A predicate, and what it came to: for the article's own model, and for each training of the survey."""

    name: str
    words: str
    code: str
    expression: str  # of the code, what is true or false
    own: Outcome
    survey: tuple[Outcome, ...]

    @property
    def held(self) -> int:
        """In how many trainings it holds."""
        return sum(outcome.holds for outcome in self.survey)

    @property
    def seeds(self) -> int:
        """How many trainings there are."""
        return len(self.survey)

    def reaches(self, bound: str, share: float) -> bool:
        """Whether it holds in "at-least" or "at-most" such a share of the trainings.

        Few trainings tell little of a share; they refute one only if Wilson's interval does.
        """
        low, high = self.interval if self.seeds < ENOUGH else (self.held / self.seeds,) * 2
        return high >= share if bound == "at-least" else low <= share

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval for the share of trainings in which it holds."""
        return wilson(self.held, self.seeds)


@dataclass(frozen=True)
class Predicate:
    """What `claim` registers."""

    words: str
    show: Callable[[Any], str]
    judge: Callable[[Evidence], Truth]


@dataclass(frozen=True)
class Facts:
    """All that the page is filled with: values by name, claims by name, and figures by the name of their file."""

    values: Mapping[str, str]
    claims: Mapping[str, Claim]
    figures: dict[str, dict] = field(default_factory=dict)


CLAIMS: dict[str, Predicate] = {}
ENOUGH = 16  # trainings whose share is taken as it is


def claim(
    words: str, show: Callable[[Any], str] = str
) -> Callable[[Callable[[Evidence], Truth]], Callable[[Evidence], Truth]]:
    """Registers a predicate under its own name, with its meaning in words and how its value is written.

    Raises FactError for a second predicate of one name, and for one without words.
    """

    def register(judge: Callable[[Evidence], Truth]) -> Callable[[Evidence], Truth]:
        name = judge.__name__
        if name in CLAIMS:
            raise FactError(f"there are two claims of the name {name!r}")
        if not words.strip():
            raise FactError(f"the claim {name!r} does not say in words what it means")
        CLAIMS[name] = Predicate(words, show, judge)
        return judge

    return register


def judge(name: str, evidence: Evidence) -> Outcome:
    """What a claim comes to in one training. Raises FactError for a predicate that gives no usable answer."""
    predicate = CLAIMS[name]
    try:
        value, holds = predicate.judge(evidence)
        text = written(name, value, predicate.show)
    except FactError:
        raise
    except Exception as error:  # whatever a predicate of the author's raises
        raise FactError(f"the claim {name!r} raises {type(error).__name__}: {error}") from None
    if not isinstance(holds, bool | np.bool_):
        raise FactError(f"the claim {name!r} is neither true nor false but {holds!r}")
    return Outcome(value if isinstance(value, str) else float(value), text, bool(holds))


def written(name: str, value: float | str, show: Callable[[Any], str]) -> str:
    """A value as text. Raises FactError for one that is not finite."""
    if not isinstance(value, str) and not math.isfinite(value):
        raise FactError(f"the value of {name!r} is {value}")
    return show(value)


def establish(name: str, own: Evidence, survey: Sequence[Evidence]) -> Claim:
    """A claim, evaluated on the article's own model and on every training."""
    predicate = CLAIMS[name]
    code = textwrap.dedent(inspect.getsource(predicate.judge))
    return Claim(name, predicate.words, code, expression(code), judge(name, own), tuple(judge(name, e) for e in survey))


def expression(code: str) -> str:
    """The source of what a predicate's last line returns as its truth."""
    function = ast.parse(code).body[0]
    last = function.body[-1] if isinstance(function, ast.FunctionDef) else function
    returned = last.value if isinstance(last, ast.Return) else None
    return ast.get_source_segment(code, returned.elts[-1] if isinstance(returned, ast.Tuple) else last) or code


def wilson(held: int, seeds: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval for a share: where it lies with a probability of 95 %, having seen it in so many trainings.

    From E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927).
    """
    share, weight = held / seeds, z * z / seeds
    middle = (share + weight / 2) / (1 + weight)
    reach = math.sqrt(share * (1 - share) * weight + weight * weight / 4) / (1 + weight)
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def gather(
    own: Evidence,
    survey: Sequence[Evidence],
    more: Mapping[str, str],
    study: dict | None = None,
) -> Facts:
    """Everything that the page may refer to: `more` values, those of the study, and how often every claim held.

    Raises ValueError for a corpus that the article does not speak of, FactError for what cannot be used.
    """
    claims = {name: establish(name, own, survey) for name in CLAIMS}
    counts = {f"{name}.held": str(claim.held) for name, claim in claims.items()}
    return Facts({**values(own, survey), **counts, **studied(study, own), **more}, claims)


def studied(study: dict | None, own: Evidence) -> dict[str, str]:
    """The values of the study, by `study.` and the name of a row: in how many trainings it held, of how many."""
    known = {}
    for row in (*study["recipes"], *study["held_out"]) if study else ():
        known[f"study.{row['name']}.held"] = str(sum(row["held"]))
        known[f"study.{row['name']}.seeds"] = str(len(row["held"]))
        known[f"study.{row['name']}.loss"] = decimals(float(np.mean(row["loss"])))
        known[f"study.{row['name']}.probability"] = percent(float(np.median(row["probability"])))
    if study:
        from article.study import recipes

        other = recipes(own.config)["predecessor"][1]
        known["study.predecessor.steps"] = count(other.config.steps)
        known["study.predecessor.rate"] = f"{other.config.learning_rate:g}"
        known["study.predecessor.batch"] = count(other.sampled)
        weak = next(row for row in study["recipes"] if row["name"] == "third")
        known["study.date"] = study["date"]
        missed = [looks for held, looks in zip(weak["held"], weak["looks"], strict=True) if not held]
        known["study.third.missed"] = number(len(missed))
        known["study.third.looked"] = number(sum(looks > 0.5 for looks in missed))
    return known


# --- Measures -----------------------------------------------------------------------------------------------------


def pairs() -> list[tuple[str, str]]:
    """The linked words, animal and home, of the scenes that show them."""
    from scenes.animals import ANIMALS
    from scenes.homes import HOMES

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


def cosines(evidence: Evidence, words: Iterable[tuple[str, str]]) -> np.ndarray:
    """The cosine of the embeddings of each pair of words."""
    return np.array([cosine(vector(evidence, a), vector(evidence, b)) for a, b in words])


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


def looks(evidence: Evidence) -> np.ndarray:
    """How much of its attention the last position gives to the animal, per block and head (L, H)."""
    return evidence.trace.attention[:, :, -1, subject(evidence)[1]]


def writes(evidence: Evidence) -> np.ndarray:
    """What each block adds to the last position (L, D)."""
    return np.diff(evidence.trace.residual[:, -1], axis=0)


def score_gap(evidence: Evidence) -> float:
    """How far, in the head that looks most, the best score of the last query is above the second."""
    l, h = evidence.anatomy.head
    first, second = np.sort(evidence.trace.score[l, h, -1])[:-3:-1]
    return float(first - second)


def without_positions(evidence: Evidence) -> np.ndarray:
    """The probabilities of the next token (V) if the positions are not added to the embeddings."""
    from article.effects import Cut, outcomes

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


# --- How a value is written ---------------------------------------------------------------------------------------


def number(n: float) -> str:
    """A small whole number in words, a larger one in figures."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    return words[int(n)] if n < len(words) else f"{n:,.0f}"


def count(n: float) -> str:
    return f"{n:,.0f}"


def at_step(step: int | None) -> str:
    """A step of the training, or that there is none."""
    return "never" if step is None else f"{step:,}"


def percent(part: float) -> str:
    """A share as a percentage: whole, but with a decimal where it is near 0 or 100."""
    text = f"{part:.0%}" if 0.01 <= abs(part) <= 0.99 or part in (0, 1) else f"{part:.1%}"
    return text.replace("-", "\N{MINUS SIGN}")


def points(part: float) -> str:
    """A difference of two probabilities in percentage points."""
    text = f"{100 * part:.0f}" if abs(part) >= 0.01 else f"{100 * part:.1f}"
    return text.replace("-", "\N{MINUS SIGN}") + (" point" if text == "1" else " points")


def decimals(value: float) -> str:
    """A number with two decimals and a true minus sign."""
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def one_decimal(value: float) -> str:
    return f"{value:.1f}"


def times(value: float) -> str:
    return f"{value:.1f} times" if value < 10 else f"{value:,.0f} times"


# --- Values -------------------------------------------------------------------------------------------------------


def values(own: Evidence, survey: Sequence[Evidence]) -> dict[str, str]:
    """Every value by its name, as the text that stands for it."""
    trace, config = own.trace, own.config
    animal, home = subject(own)[0], own.answer
    T, V = len(trace.tokens), len(trace.vocab)
    L = config.n_layer
    rivals, middle = ranking(own), ranking(own, 1)[0]
    linked, (animals, homes) = cosines(own, pairs()), kinds()
    looked, effects, top = looks(own), own.effects, own.anatomy.widest
    over_seeds = [e.trace.probability(e.answer) for e in survey]
    known: dict[str, tuple[float | str, Callable[[Any], str]]] = {
        "sentences": (len(own.corpus), number),
        "pairs": (len(pairs()), number),
        "patterns": ((len(own.corpus) + len(own.held_out)) // len(pairs()), number),
        "words": (V, str),
        "parameters": (own.parameters, count),
        "components": (config.n_embd, str),
        "blocks": (config.n_layer, number),
        "first_block": ("block 1", str),
        "last_block": (f"block {L}", str),
        "heads": (config.n_head, number),
        "hidden": (4 * config.n_embd, str),
        "per_head": (config.n_embd // config.n_head, str),
        "steps": (config.steps, count),
        "dropout": (config.dropout, percent),
        "rate": (config.learning_rate, str),
        "tokens": (T, number),
        "loss": (own.loss, decimals),
        "guess_loss": (math.log(V), decimals),
        "floor": (entropy(own.corpus), decimals),
        "distance": (T - 1 - subject(own)[1], number),
        "prompt": (trace.sentence, str),
        "animal": (animal, str),
        "home": (home, str),
        "last_token": (trace.tokens[-1], str),
        "prediction": (trace.prediction, str),
        "probability": (trace.probability(trace.prediction), percent),
        "second": (rivals[1], str),
        "second_probability": (trace.probability(rivals[1]), percent),
        "middle": (middle, str),
        "middle_probability": (trace.probability(middle, 1), percent),
        "home_probability_in_the_middle": (trace.probability(home, 1), percent),
        "first": (ranking(own, 0)[0], str),
        "linked_cosine": (linked.mean(), decimals),
        "opposed_animal": (most_opposed(own)[0], str),
        "opposed_home": (most_opposed(own)[1], str),
        "opposed_cosine": (linked.min(), decimals),
        "opposed_component": (most_opposed_component(own), str),
        "animals_cosine": (cosines(own, combinations(animals, 2)).mean(), decimals),
        "animals_least": (cosines(own, combinations(animals, 2)).min(), decimals),
        "animals_most": (cosines(own, combinations(animals, 2)).max(), decimals),
        "homes_cosine": (cosines(own, combinations(homes, 2)).mean(), decimals),
        "unlinked_cosine": (cosines(own, unlinked()).mean(), decimals),
        "unlinked_least": (cosines(own, unlinked()).min(), decimals),
        "unlinked_most": (cosines(own, unlinked()).max(), decimals),
        "without_positions": (without_positions(own)[trace.id(home)], percent),
        "length_position": (lengths(trace.position).mean(), decimals),
        "length_embedding": (lengths(trace.embedding).mean(), decimals),
        "look_first": (looked[0].max(), percent),
        "look_last": (looked[-1].max(), percent),
        "look_last_least": (looked[-1].min(), percent),
        "final_cosine": (cosine(trace.residual[-1, -1], trace.normed[-1, -1]), decimals),
        "home_cosine": (cosine(trace.normed[-1, -1], vector(own, home)), decimals),
        "length_in": (length(trace.residual[0, -1]), one_decimal),
        "length_first_write": (length(writes(own)[0]), one_decimal),
        "length_last_write": (length(writes(own)[-1]), one_decimal),
        "length_out": (length(trace.residual[-1, -1]), one_decimal),
        "length_predicted": (length(vector(own, trace.prediction)), one_decimal),
        "agrees_in_sign_share": ((products(own) > 0).mean(), percent),
        "length_final": (length(trace.normed[-1, -1]), one_decimal),
        "widest_weight": (trace.attention[:, :, -1].max(), percent),
        "widest_node": ("attention/{}/{}/{}/{}".format(*top[:2], T - 1, top[2]), str),
        "last_node": (f"normed/{L}/{T - 1}", str),
        "widest_block": (top[0] + 1, str),
        "widest_place": (f"block {top[0] + 1}, head {top[1] + 1}", str),
        "widest_effect": (effects.weight_effect[top], points),
        "first_heads_effect": (effects.heads_effect[0], points),
        "last_heads_left": (effects.without_heads[-1, trace.id(home)], percent),
        "last_heads_prediction": (best(own, effects.without_heads[-1]), str),
        "last_head_effect_most": (effects.head_effect[-1].max(), points),
        "last_head_effect_least": (effects.head_effect[-1].min(), points),
        "first_mlp_effect": (effects.mlp_effect[0], points),
        "last_mlp_effect": (effects.mlp_effect[-1], points),
        "map_kept": (own.anatomy.map_kept, percent),
        "logit": (trace.lens[-1, -1].max(), one_decimal),
        "largest_share": (own.anatomy.share[:, trace.id(home)].max(), one_decimal),
        "largest_origin": (own.anatomy.origins[int(own.anatomy.share[:, trace.id(home)].argmax())], str),
        "embedding_share": (own.anatomy.share[0, trace.id(home)], decimals),
        "score_gap": (score_gap(own), one_decimal),
        "route_kept": (own.anatomy.route_kept, percent),
        "path_steps": (own.landscape.every, count),
        "film_steps": (own.film.every, count),
        "found_step": (at_step(own.film.found), str),
        "settled_step": (at_step(own.film.settled), str),
        "path_in_plane": (own.landscape.in_plane, percent),
        "path_start_loss": (own.landscape.path_loss[0], decimals),
        "seeds": (len(survey), str),
        "survey_least": (min(over_seeds), percent),
        "survey_median": (float(np.median(over_seeds)), percent),
        "survey_most": (max(over_seeds), percent),
    }
    return {name: written(name, value, show) for name, (value, show) in known.items()}


# --- Claims: the task ---------------------------------------------------------------------------------------------


@claim("the most probable next word of the prompt is the last word of the held-out sentence")
def generalises(e: Evidence) -> Truth:
    return e.trace.prediction, e.trace.prediction == e.answer


@claim("the held-out word has a probability above 0.8", percent)
def is_sure(e: Evidence) -> Truth:
    probability = e.trace.probability(e.answer)
    return probability, probability > 0.8


@claim("no sentence of the corpus starts as the prompt does up to the animal", count)
def held_out_is_new(e: Evidence) -> Truth:
    start = e.trace.tokens[: subject(e)[1] + 1]
    found = sum(tuple(sentence.split()[: len(start)]) == start for sentence in e.corpus)
    return found, found == 0


@claim("the most probable word is at least four times as probable as the second", times)
def second_is_far_behind(e: Evidence) -> Truth:
    first, second = (e.trace.probability(token) for token in ranking(e)[:2])
    return first / second, first > 4 * second


@claim("the second most probable word is a home, too")
def second_is_a_home(e: Evidence) -> Truth:
    second = ranking(e)[1]
    return second, second in kinds()[1]


@claim("the loss is less than a tenth of that of guessing", percent)
def far_better_than_guessing(e: Evidence) -> Truth:
    share = e.loss / math.log(len(e.trace.vocab))
    return share, share < 0.1


@claim("the loss is less than 0.02 nats above the entropy of the corpus", lambda value: f"{value:.4f} above")
def at_the_floor(e: Evidence) -> Truth:
    above = e.loss - entropy(e.corpus)
    return above, -1e-9 <= above < 0.02


@claim("who counts which word follows one, or two, others in the corpus gives the held-out word no chance", percent)
def counting_fails(e: Evidence) -> Truth:
    most = max(counted(e.corpus, e.held_out[0], reach) for reach in (1, 2))
    return most, most == 0


# --- Claims: embeddings -------------------------------------------------------------------------------------------


@claim("the mean cosine among the animals, and that among the homes, is above 0.2", decimals)
def kinds_are_alike(e: Evidence) -> Truth:
    least = min(cosines(e, combinations(kind, 2)).mean() for kind in kinds())
    return least, least > 0.2


@claim("the mean cosine of an animal and another's home is within 0.2 of zero", decimals)
def strangers_are_unrelated(e: Evidence) -> Truth:
    mean = cosines(e, unlinked()).mean()
    return mean, abs(mean) < 0.2


@claim("the embeddings of each of the linked pairs have a cosine below minus a quarter", decimals)
def linked_are_opposed(e: Evidence) -> Truth:
    largest = cosines(e, pairs()).max()
    return largest, largest < -0.25


@claim("the mean cosine of the linked pairs is below zero", decimals)
def linked_are_opposed_on_average(e: Evidence) -> Truth:
    mean = cosines(e, pairs()).mean()
    return mean, mean < 0


@claim("the mean cosine of the linked pairs is above that of an animal and another's home", decimals)
def linked_are_alike(e: Evidence) -> Truth:
    more = cosines(e, pairs()).mean() - cosines(e, unlinked()).mean()
    return more, more > 0


@claim("the signs of the most opposed pair differ in more than half of the components", percent)
def signs_are_opposed(e: Evidence) -> Truth:
    animal, home = most_opposed(e)
    share = float((vector(e, animal) * vector(e, home) < 0).mean())
    return share, share > 0.5


@claim("the ways from each animal to its home have a mean cosine above 0.9 with each other", decimals)
def links_are_parallel(e: Evidence) -> Truth:
    ways = [vector(e, home) - vector(e, animal) for animal, home in pairs()]
    mean = np.mean([cosine(a, b) for a, b in combinations(ways, 2)])
    return float(mean), bool(mean > 0.9)


@claim("a map of the embeddings in three dimensions keeps less than half of their variance", percent)
def map_loses_most(e: Evidence) -> Truth:
    return e.anatomy.map_kept, e.anatomy.map_kept < 0.5


# --- Claims: positions --------------------------------------------------------------------------------------------


@claim("position vectors are on average less than half as long as embeddings", decimals)
def positions_are_small(e: Evidence) -> Truth:
    ratio = lengths(e.trace.position).mean() / lengths(e.trace.embedding).mean()
    return ratio, ratio < 0.5


@claim("the positions of neighbours have a mean cosine below zero", decimals)
def neighbours_differ(e: Evidence) -> Truth:
    mean = np.mean([cosine(a, b) for a, b in pairwise(e.trace.position)])
    return float(mean), bool(mean < 0)


@claim("without the positions, the answer is still the most probable word")
def answers_without_positions(e: Evidence) -> Truth:
    said = best(e, without_positions(e))
    return said, said == e.answer


@claim("at every position, what enters the first block, unembedded, reads as the token itself", count)
def all_start_as_themselves(e: Evidence) -> Truth:
    read = [e.trace.vocab[id] for id in e.trace.lens[0].argmax(-1)]
    others = sum(a != b for a, b in zip(read, e.trace.tokens, strict=True))
    return others, others == 0


# --- Claims: what the blocks write --------------------------------------------------------------------------------


@claim("the last position's vector leaves the last block longer than it entered the first", times)
def grows(e: Evidence) -> Truth:
    ratio = length(e.trace.residual[-1, -1]) / length(e.trace.residual[0, -1])
    return ratio, ratio > 1


@claim("at the last position, the last block writes more than the first", times)
def last_block_writes_more(e: Evidence) -> Truth:
    ratio = length(writes(e)[-1]) / length(writes(e)[0])
    return ratio, ratio > 1


@claim("what each block writes at the last position has a cosine below zero with the last token's embedding", decimals)
def writes_against_the_last_token(e: Evidence) -> Truth:
    largest = max(cosine(write, vector(e, e.trace.tokens[-1])) for write in writes(e))
    return largest, largest < 0


@claim("what each block writes at the last position has a cosine above 0.3 with the answer's embedding", decimals)
def writes_towards_the_answer(e: Evidence) -> Truth:
    least = min(cosine(write, vector(e, e.answer)) for write in writes(e))
    return least, least > 0.3


# --- Claims: attention --------------------------------------------------------------------------------------------


@claim("every attention weight of a key after its query is exactly zero", lambda value: f"{value:g}")
def only_the_past(e: Evidence) -> Truth:
    ahead = float(np.triu(e.trace.attention, 1).max())
    return ahead, ahead == 0.0


@claim("a head of the first block gives the animal more than half of the last position's attention", percent)
def first_block_looks_back(e: Evidence) -> Truth:
    most = looks(e)[0].max()
    return most, most > 0.5


@claim("a head of the last block gives the animal more than half of the last position's attention", percent)
def last_block_looks_back(e: Evidence) -> Truth:
    most = looks(e)[-1].max()
    return most, most > 0.5


@claim("every head of the last block gives the animal more than half of the last position's attention", percent)
def last_block_looks_with_all_heads(e: Evidence) -> Truth:
    least = looks(e)[-1].min()
    return least, least > 0.5


@claim("every head of the first block gives the animal more than half of the last position's attention", percent)
def first_block_looks_with_all_heads(e: Evidence) -> Truth:
    least = looks(e)[0].min()
    return least, least > 0.5


@claim("no head gives the last position itself more than half of its attention", percent)
def looks_away_from_itself(e: Evidence) -> Truth:
    most = e.trace.attention[:, :, -1, -1].max()
    return most, most < 0.5


# --- Claims: the logit lens and the answer ------------------------------------------------------------------------


@claim("what enters the first block at the last position, unembedded, reads as the last token itself")
def starts_as_itself(e: Evidence) -> Truth:
    first = ranking(e, 0)[0]
    return first, first == e.trace.tokens[-1]


@claim("after the first block, the answer has less than half of the probability", percent)
def undecided_in_the_middle(e: Evidence) -> Truth:
    part = e.trace.probability(e.answer, 1)
    return part, part < 0.5


@claim("after the first block, the answer is the most probable word")
def knows_it_in_the_middle(e: Evidence) -> Truth:
    first = ranking(e, 1)[0]
    return first, first == e.answer


@claim("the cosine of the last vector before and after the final LayerNorm is above 0.9", decimals)
def layernorm_keeps_direction(e: Evidence) -> Truth:
    value = cosine(e.trace.residual[-1, -1], e.trace.normed[-1, -1])
    return value, value > 0.9


@claim("over the prompt, lengths vary less than half as much after the final LayerNorm as before", percent)
def layernorm_evens_out(e: Evidence) -> Truth:
    before, after = (lengths(rows) for rows in (e.trace.residual[-1], e.trace.normed[-1]))
    ratio = (after.std() / after.mean()) / (before.std() / before.mean())
    return ratio, ratio < 0.5


@claim("of all embeddings, the answer's is nearest in direction to the last vector")
def points_at_the_answer(e: Evidence) -> Truth:
    near = max(e.trace.vocab, key=lambda token: cosine(e.trace.normed[-1, -1], vector(e, token)))
    return near, near == e.answer


@claim("in more than two of three components the last vector has the sign of the prediction's embedding", percent)
def agrees_in_sign(e: Evidence) -> Truth:
    share = (products(e) > 0).mean()
    return share, share > 2 / 3


@claim("the components in which the signs differ take less than a tenth from the logit of the prediction", percent)
def disagreement_is_cheap(e: Evidence) -> Truth:
    against = -np.minimum(products(e), 0).sum() / products(e).sum()
    return against, against < 0.1


@claim("the last vector is at least a quarter longer than the prediction's embedding", times)
def last_vector_is_longer(e: Evidence) -> Truth:
    ratio = length(e.trace.normed[-1, -1]) / length(vector(e, e.trace.prediction))
    return ratio, ratio > 1.25


@claim("no head, no MLP, nor the embedding, adds more than half of the answer's logit", percent)
def no_part_makes_the_answer(e: Evidence) -> Truth:
    shares = e.anatomy.share[:, e.trace.id(e.answer)]
    most = shares.max() / shares.sum()
    return most, bool(most < 0.5)


@claim("every MLP, and all heads of a block together, add to the answer's logit", decimals)
def every_part_of_a_block_helps(e: Evidence) -> Truth:
    shares = dict(zip(e.anatomy.origins, e.anatomy.share[:, e.trace.id(e.answer)], strict=True))
    blocks = range(1, e.config.n_layer + 1)
    sums = [sum(v for name, v in shares.items() if name.startswith(f"block {l}, head")) for l in blocks]
    least = min([*sums, *(shares[f"block {l}, MLP"] for l in blocks)])
    return least, bool(least > 0)


# --- Claims: causes -----------------------------------------------------------------------------------------------


@claim("the widest of all attention weights into the last position is one to the animal")
def widest_is_the_animal(e: Evidence) -> Truth:
    token = e.trace.tokens[e.anatomy.widest[2]]
    return token, token == subject(e)[0]


@claim("without any one of the attention weights into the last position, the answer is still the most probable", count)
def no_weight_decides(e: Evidence) -> Truth:
    lost = int((~answered(e, e.effects.without_weight)).sum())
    return lost, lost == 0


@claim("the widest attention weight into the last position is the one whose loss costs the answer most")
def widest_costs_most(e: Evidence) -> Truth:
    l, h, k = (int(i) for i in np.unravel_index(e.effects.weight_effect.argmax(), e.effects.weight_effect.shape))
    return f"{e.trace.tokens[k]}, block {l + 1}, head {h + 1}", (l, h, k) == e.anatomy.widest


@claim("without any one of the heads, the answer is still the most probable word", count)
def no_head_decides(e: Evidence) -> Truth:
    lost = int((~answered(e, e.effects.without_head)).sum())
    return lost, lost == 0


@claim("without all heads of the first block, the answer is still the most probable word")
def first_heads_can_go(e: Evidence) -> Truth:
    said = best(e, e.effects.without_heads[0])
    return said, said == e.answer


@claim("without all heads of the last block, another word is the most probable")
def last_heads_decide(e: Evidence) -> Truth:
    said = best(e, e.effects.without_heads[-1])
    return said, said != e.answer


@claim("losing all heads of the last block costs the answer more than the losses of each of them added up", times)
def last_heads_stand_in(e: Evidence) -> Truth:
    ratio = e.effects.heads_effect[-1] / e.effects.head_effect[-1].sum()
    return ratio, e.effects.heads_effect[-1] > e.effects.head_effect[-1].sum()


@claim("losing the first MLP costs the answer more than losing the last one", decimals)
def first_mlp_matters_more(e: Evidence) -> Truth:
    more = e.effects.mlp_effect[0] - e.effects.mlp_effect[-1]
    return more, more > 0


@claim(
    "setting the first block's heads to their mean takes less than a fifth of the probability from the answer", percent
)
def first_heads_say_little(e: Evidence) -> Truth:
    effect = e.effects.effect(e.effects.mean_heads)[0]
    return effect, effect < 0.2


# --- Claims: the full flow ----------------------------------------------------------------------------------------


@claim("what enters the first block has at every position a cosine above 0.85 with the token's embedding", decimals)
def enters_as_the_token(e: Evidence) -> Truth:
    least = min(cosine(a, b) for a, b in zip(e.trace.residual[0], e.anatomy.token, strict=True))
    return least, least > 0.85


@claim("no token has half of the squares of any component of the embedding", percent)
def no_component_is_a_word(e: Evidence) -> Truth:
    squares = e.trace.embedding**2
    most = (squares / squares.sum(axis=0)).max()
    return most, most < 0.5


@claim("for more than a third of the queries that have a future, in all heads, the best key lies there", percent)
def mask_hides_the_best(e: Evidence) -> Truth:
    T = len(e.trace.tokens)
    share = (e.trace.score[:, :, :-1].argmax(-1) > np.arange(T - 1)).mean()
    return share, share > 1 / 3


@claim("no component makes half of the score of the widest attention weight into the last position", percent)
def no_component_makes_the_score(e: Evidence) -> Truth:
    l, h, k = e.anatomy.widest
    product = e.anatomy.product[l, h, -1, k]
    share = product.max() / product.sum()
    return share, share < 0.5


@claim(
    "in the head that looks most, the keys that fit the last query best are, on average, those of the animals", count
)
def looks_for_animals(e: Evidence) -> Truth:
    return fitting_best(e, kinds()[0])


@claim(
    "in the head that looks most, the keys that fit the last query best are, on average, those of the animals and "
    "their homes",
    count,
)
def looks_for_linked_words(e: Evidence) -> Truth:
    animals, homes = kinds()
    return fitting_best(e, [*animals, *homes])


def fitting_best(e: Evidence, words: Sequence[str]) -> Truth:
    """How many of the words are among as many whose keys fit best, in the head that looks most."""
    l, h = e.anatomy.head
    fit = e.trace.query[l, h, -1] @ e.readings.key_of_token[l, h]
    best = [e.trace.vocab[id] for id in np.argsort(-fit)[: len(words)]]
    found = len(set(best) & set(words))
    return found, found == len(words)


@claim("what that head hands to the last position has a cosine above 0.99 with the value of the animal", decimals)
def hands_over_the_animal(e: Evidence) -> Truth:
    l, h = e.anatomy.head
    same = cosine(e.trace.mixed[l, h, -1], e.trace.value[l, h, subject(e)[1]])
    return same, same > 0.99


@claim("what that head writes at the last position raises the logit of the answer more than any other")
def head_names_the_answer(e: Evidence) -> Truth:
    l, h = e.anatomy.head
    origin = e.anatomy.origins.index(f"block {l + 1}, head {h + 1}")
    raised = e.trace.vocab[int(e.anatomy.share[origin].argmax())]
    return raised, raised == e.answer


@claim("at the last position, ReLU makes zero of more than half of the hidden units of each block", percent)
def relu_silences_most(e: Evidence) -> Truth:
    least = (e.trace.hidden[:, -1] == 0).mean(axis=-1).min()
    return least, least > 0.5


@claim("a quarter of the components make more than half of what sets the winner's logit off from the second's", percent)
def few_components_decide(e: Evidence) -> Truth:
    apart = np.sort(np.abs(e.anatomy.agreement[0] - e.anatomy.agreement[1]))
    share = apart[-(len(apart) // 4) :].sum() / apart.sum()
    return share, share > 0.5
