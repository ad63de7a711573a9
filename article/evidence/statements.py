"""What can be said of a prompt in a model, as sentences that another model, or prompt, is asked about.

A statement is computed from the one: its numbers and tokens are filled in from there, and it is true there. Its
predicate is then evaluated on the other. The claims of the article are asked of both, where both know its words.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

import gpt
from article.errors import FalsehoodError
from article.evidence import claim
from article.evidence.evidence import Evidence
from article.evidence.words import decimals, number, percent, times
from article.models import own
from article.models.model import OpenedModel
from scenes.analysis.comparison import Comparison

BEST = 10  # tokens of which the order is asked
ORIGINS = 4  # of the answer's logit, of which the sign is asked
SHARES = (0.99, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.01)
FACTORS = (1000, 100, 50, 20, 10, 5, 4, 3, 2)
MISSING = "no such token"

Judge = Callable[[Comparison], tuple[str, bool]]  # what is found in a model, as text, and whether the statement holds


class Statement(NamedTuple):
    """A sentence about a prompt in a model, and what asks whether it is true."""

    words: str
    judge: Judge


class Found(NamedTuple):
    """What a statement came to in A and in B."""

    words: str
    values: tuple[str, str]
    holds: tuple[bool, bool]

    @property
    def verdict(self) -> str:
        """In words, because colour alone would not do."""
        failed = [name for name, held in zip("AB", self.holds, strict=True) if not held]
        return {0: "holds for both", 1: f"fails on {''.join(failed)}", 2: "holds for neither"}[len(failed)]


def ask(one: Comparison, other: Comparison, swapped: bool = False) -> list[Found]:
    """The statements of the one, asked of both; what fails comes first. If `swapped`, the one is B.

    Raises FalsehoodError for a statement that is not even true where it comes from.
    """
    found = []
    for words, judge in statements(one):
        (here, holds), (there, held) = judge(one), judge(other)
        if not holds:
            raise FalsehoodError(f"“{words}” is false of what it was computed from: {here}.")
        values, truths = ((there, here), (held, holds)) if swapped else ((here, there), (holds, held))
        found.append(Found(words, values, truths))
    return sorted(found, key=lambda one: all(one.holds))


# --- Statements ---------------------------------------------------------------------------------------------------


def statements(one: Comparison) -> Iterator[Statement]:
    """What is true of a prompt in a model, in the order of telling: the answer, where it comes up, the way to it."""
    answer, last = one.prediction, one.tokens[-1]
    yield Statement(
        f"The most probable next token is {quoted(answer)}.", lambda o: (said(o, 0), o.prediction == answer)
    )
    if bound := reached(chance(one, answer)):
        words = f"{quoted(answer)} has a probability of at least {percent(bound)}."
        yield known(answer, Statement(words, lambda o: (percent(chance(o, answer)), chance(o, answer) >= bound)))
    if len(one.vocab) > 1:
        yield from rivals(one)
    since = comes_up(one, answer)
    when = "already where the stream enters block 1" if since == 0 else f"from block {since} on, but not before"
    words = f"Read off the stream after each block, {quoted(answer)} is the most probable token {when}."
    yield same(one, words, lambda o: comes_up(o, answer), told)
    start = first(one, 0)
    itself = "the last token itself, " if start == last else ""
    yield same(one, f"What enters block 1 at the last token reads as {itself}{quoted(start)}.", lambda o: first(o, 0))
    yield from looks(one)
    yield from origins(one, answer)
    yield from lengths(one)
    near = quoted(nearest(one))
    yield same(one, f"Of all embeddings, that of {near} is nearest in direction to the last vector.", nearest)
    if len(one.tokens) > 1:
        hits, n = map(number, foreseen(one))
        words = f"Of the prompt itself, {hits} of {n} tokens were the most probable ones before they came."
        yield same(one, words, foreseen, lambda found: "{} of {}".format(*found))


def rivals(one: Comparison) -> Iterator[Statement]:
    """What else it might say, and how far the answer is ahead."""
    factor = next((factor for factor in FACTORS if lead(one) >= factor), 0)
    ahead = f"at least {number(factor)} times" if factor else "less than twice"
    yield Statement(
        f"The most probable token is {ahead} as probable as the second.",
        lambda o: (times(lead(o)), lead(o) >= factor if factor else lead(o) < 2),
    )
    second = one.vocab[one.ranking[1]]
    yield Statement(f"The second most probable is {quoted(second)}.", lambda o: (said(o, 1), nth(o, 1) == second))
    best = top(one)
    n, every = number(len(best)), ", ".join(map(quoted, best))
    if len(best) > 2:
        words = f"The {n} most probable are, in this order: {every}."
        yield same(one, words, top, lambda found: ", ".join(map(quoted, found)))
        words = f"The {n} most probable are, in whatever order, {every}."
        yield same(one, words, lambda o: {*top(o)}, lambda found: f"{len({*best} & found)} of the {len(best)}")


def looks(one: Comparison) -> Iterator[Statement]:
    """Where the last token looks."""
    l, h, k = one.widest
    seen = one.tokens[k]
    yield Statement(
        f"The widest look of the last token is at {quoted(seen)}.",
        lambda o: (f"{quoted(o.tokens[o.widest[2]])}, {percent(widest(o))}", o.tokens[o.widest[2]] == seen),
    )
    words = f"The widest look of the last token is one of {head(l, h)}."
    yield same(one, words, lambda o: o.widest[:2], lambda place: head(*place))
    if bound := reached(widest(one)):
        yield Statement(
            f"The widest look of the last token takes at least {percent(bound)} of its head's attention.",
            lambda o: (percent(widest(o)), widest(o) >= bound),
        )
    most = quoted(looked_at(one))
    yield same(one, f"All heads taken together, the last token looks most at {most}.", looked_at)


def origins(one: Comparison, answer: str) -> Iterator[Statement]:
    """Where the logit of the answer comes from."""

    def largest(o: Comparison) -> tuple[str, str]:
        shares = o.share[:, o.id(answer)]
        return o.origins[int(shares.argmax())], decimals(float(shares.max()))

    name, _ = largest(one)
    words = f"The largest share in the logit of {quoted(answer)} comes from {name}."
    yield known(answer, Statement(words, lambda o: (", ".join(largest(o)), largest(o)[0] == name)))
    parts = shares_of(one, answer)
    for part in sorted(parts, key=lambda part: -abs(round(parts[part], 9)))[:ORIGINS]:
        sign = np.sign(parts[part])

        def has_the_sign(o: Comparison, part: str = part, sign: float = sign) -> tuple[str, bool]:
            share = shares_of(o, answer).get(part)
            return ("no such part", False) if share is None else (decimals(share), bool(np.sign(share) == sign))

        does = {1: "adds to", 0: "adds nothing to", -1: "takes from"}[int(sign)]
        words = f"{part[0].upper()}{part[1:]} {does} the logit of {quoted(answer)}."
        yield known(answer, Statement(words, has_the_sign))


def lengths(one: Comparison) -> Iterator[Statement]:
    """How the last vector grows, and who writes most of it."""
    grows = growth(one) > 1
    yield Statement(
        f"The vector of the last token leaves the last block {'' if grows else 'no '}longer than it entered block 1.",
        lambda o: (times(growth(o)), (growth(o) > 1) == grows),
    )
    if len(one.mixed) > 1:
        yield same(one, f"At the last token, block {writes(one)} writes most.", writes, "block {}".format)


# --- What they are made of ----------------------------------------------------------------------------------------


def quoted(token: str) -> str:
    return f"“{token}”"


def head(l: int, h: int) -> str:
    return f"block {l + 1}, head {h + 1}"


def same(one: Comparison, words: str, find: Callable[[Comparison], Any], text: Callable = quoted) -> Statement:
    """That what is found in the one is what is found in another; `text` says it."""
    found = find(one)
    return Statement(words, lambda o: (text(find(o)), find(o) == found))


def known(token: str, statement: Statement) -> Statement:
    """Asks only a model that has the token."""
    return statement._replace(judge=lambda o: statement.judge(o) if token in o.vocab else (MISSING, False))


def reached(share: float) -> float:
    """The largest of SHARES that a share reaches; 0 if it is none."""
    return next((bound for bound in SHARES if share >= bound), 0)


def chance(one: Comparison, token: str) -> float:
    """The probability of a token after the prompt."""
    return float(one.chance[-1, one.id(token)])


def nth(one: Comparison, n: int) -> str | None:
    """The token that is the nth most probable, from 0; nothing if there are not so many."""
    return one.vocab[one.ranking[n]] if n < len(one.vocab) else None


def said(one: Comparison, n: int) -> str:
    token = nth(one, n)
    return MISSING if token is None else f"{quoted(token)}, {percent(chance(one, token))}"


def top(one: Comparison) -> list[str]:
    return [one.vocab[id] for id in one.ranking[:BEST]]


def lead(one: Comparison) -> float:
    """How many times as probable as the second the most probable token is."""
    if len(one.vocab) < 2:
        return 1.0
    logits = one.lens[-1, -1, one.ranking[:2]]
    return float(np.exp(min(logits[0] - logits[1], 700)))


def first(one: Comparison, level: int) -> str:
    """The most probable token, read at a level of the last position."""
    return one.vocab[int(one.lens[level, -1].argmax())]


def comes_up(one: Comparison, token: str) -> int | None:
    """The level from which on a token is the most probable one; nothing if it is not so in the end."""
    levels = len(one.lens)
    since = next((level for level in range(levels, 0, -1) if first(one, level - 1) != token), 0)
    return since if since < levels else None


def told(since: int | None) -> str:
    if since is None:
        return "not in the end"
    return f"from block {since} on" if since else "from the start"


def widest(one: Comparison) -> float:
    l, h, k = one.widest
    return float(one.attention[l, h, -1, k])


def looked_at(one: Comparison) -> str:
    """The token that the last one looks at most, in the sum of all heads."""
    return one.tokens[int(one.attention[:, :, -1].sum(axis=(0, 1)).round(12).argmax())]


def shares_of(one: Comparison, token: str) -> dict[str, float]:
    """What embedding, position, and the attention and MLP of each block add to the logit of a token."""
    found: dict[str, float] = {}
    for name, share in zip(one.origins, one.share[:, one.id(token)].tolist(), strict=True):
        block, _, part = name.partition(", ")
        if part:
            name = f"the {'MLP' if part == 'MLP' else 'attention'} of {block}"
        elif name != "final bias":
            name = f"the {name}"
        found[name] = found.get(name, 0.0) + share
    return found


def growth(one: Comparison) -> float:
    """How many times as long the last token's vector leaves the last block as it entered the first."""
    before, after = (float(np.linalg.norm(one.residual[level, -1])) for level in (0, -1))
    return after / before if before else 1.0


def writes(one: Comparison) -> int:
    """The block, from 1, that writes most at the last position."""
    return int(np.linalg.norm(np.diff(one.residual[:, -1], axis=0), axis=-1).argmax()) + 1


def nearest(one: Comparison) -> str:
    """The token whose embedding is nearest in direction to the last vector."""
    long = np.linalg.norm(one.embedding, axis=-1)
    fit = np.divide(one.embedding @ one.normed[-1, -1], long, out=np.full_like(long, -np.inf), where=long > 0)
    return one.vocab[int(fit.argmax())]


def foreseen(one: Comparison) -> tuple[int, int]:
    """How many tokens of the prompt were the most probable ones before they came, and of how many."""
    expected = [one.vocab[id] for id in one.lens[-1, :-1].argmax(axis=-1)]
    return sum(a == b for a, b in zip(expected, one.tokens[1:], strict=True)), len(expected)


# --- The claims of the article ------------------------------------------------------------------------------------


def evidence(run: OpenedModel) -> Evidence | None:
    """A model as the article's claims are asked of it; nothing if it does not know the words of the article."""
    _, _, corpus, held_out = own.read_data()
    sentences = [sentence.split() for sentence in (*corpus, *held_out)]
    if type(run.tokenizer) is not gpt.Tokenizer or not {*chain(*sentences)} <= {*run.tokenizer.vocab}:
        return None
    if run.config.n_context < max(map(len, sentences)) - 1:
        return None
    trace = gpt.trace(run.model, run.tokenizer, held_out[0].rsplit(maxsplit=1)[0])
    return Evidence(run.config, run.tokenizer, corpus, held_out, run.model, trace)


def claims(a: Evidence, b: Evidence) -> tuple[list[Found], list[str]]:
    """What each claim of the article came to in both, those that differ first; and what cannot be asked of both."""
    found, unasked = [], []
    for name, predicate in claim.CLAIMS.items():
        try:
            one, other = claim.judge(name, a), claim.judge(name, b)
        except claim.FactError:  # such as a ratio to nothing
            unasked.append(predicate.words)
            continue
        words = f"{predicate.words[0].upper()}{predicate.words[1:]}."
        found.append(Found(words, (one.text, other.text), (one.holds, other.holds)))
    return sorted(found, key=lambda one: one.holds[0] == one.holds[1]), unasked
