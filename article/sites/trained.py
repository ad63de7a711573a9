"""What the article says of its models, as plain values that can be kept: nothing of it is found without them."""

import gc
import string
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

import gpt
from article import claims, study  # noqa: F401 - claims are registered
from article.errors import RefusalError
from article.evidence.evidence import Evidence
from article.evidence.words import decimals, percent
from article.measures import counted, entropy
from article.models import ensemble, own
from article.sites import flow
from article.values import gather
from article.web import figures, live  # noqa: F401 - which will draw: its import takes as long as a training
from article.web.site import Site
from scenes import style
from scenes.glyphs.text import letters, width_of

GUESSES = 5  # that the page shows without scripts
# The words for what is drawn, in live/scenes.js as in scenes/.
NAMES = """embedding alone position block head final LayerNorm entering after attention MLP stream last vector
probability for logit bias query key × score: their sum score masked weight (head values, mixed all write hidden ReLU
less its mean to one size component component, share of the before unit times gain plus product best, with or logits"""


@dataclass(frozen=True)
class Own(Evidence):
    """The article's own model, and what the study knows of others."""

    @cached_property
    def failing(self) -> gpt.Trace:
        """The trace of a training that looks at the right word and says the wrong one.

        Raises ValueError if the study knows of none.
        """
        recipe, seed = study.failing(self.config)
        (model,) = ensemble.trainings(recipe, self.tokenizer, self.corpus, [seed])
        return gpt.trace(model, self.tokenizer, self.trace.sentence)


def train(seed: int | None, others: Sequence[int] = (), fresh: bool = False) -> list[Evidence]:
    """Trains the model on `data/`, and again with other seeds; traces the held-out sentence without its last word.

    What an earlier build has kept is not trained again, unless it is to be fresh. Raises RefusalError.
    """
    gc.freeze()  # what was imported stays; looking through it again and again takes a tenth of a build
    letters(string.ascii_letters + string.digits)  # labels remember their outlines, also in what is forked
    config, tokenizer, corpus, held_out = own.read_data(seed)
    prompt = own.prompt_of(held_out)
    models = own.trainings(config, tokenizer, corpus, prompt, others, fresh)
    gc.freeze()
    return [
        kind(config, tokenizer, corpus, held_out, model, gpt.trace(model, tokenizer, prompt))
        for kind, model in zip([Own] + [Evidence] * len(others), models, strict=True)
    ]


def facts(models: Sequence[Evidence], results: dict | None) -> dict:
    """The values and the claims of the texts, and what counting words comes to; the article's own model comes first.

    Raises RefusalError.
    """
    mine, *survey = models
    try:
        known = gather(mine, survey, {}, results)
    except ValueError as error:
        raise RefusalError(f"article/claims.py: {error}; change the claims, or data/.") from None
    ways = ("counting words", "counting pairs of words (bigrams)", "counting threes (trigrams)")
    counting = [
        [words, percent(counted(mine.corpus, mine.held_out[0], reach)), decimals(entropy(mine.corpus, reach))]
        for reach, words in enumerate(ways)
    ]
    counting.append(["what no model can pass", "", decimals(entropy(mine.corpus))])
    return {"values": dict(known.values), "claims": list(known.claims.values()), "counting": counting}


def about(models: Sequence[Evidence]) -> dict:
    """What else pages and the terminal are told: of the study, the bench, and the full flow."""
    mine, *survey = models
    site = Site("article")
    page = flow.page(site, mine.trace, article=True)
    files = {name: data.decode() for name, data in site.files.items()}
    return {"study": studied(survey), "bench": bench(mine), "flow": page, "files": files, "told": told(mine)}


def studied(survey: Sequence[Evidence]) -> tuple[dict | None, str]:
    """What the study has kept, if that is of these models; or why not, in a sentence."""
    if results := study.load([one.model for one in survey]):
        return results, ""
    most, least = len(survey), len(study.FEWER)
    few = f"its chapter takes {least} trainings or more, so with {most} it is left out; raise --seeds."
    other = "it is not of this program and corpus, so its chapter is left out; make study."
    return None, f"data/study.json: {few if most < least else other}"


def bench(own: Evidence) -> dict:
    """Where the reader asks the article's own model: what `live.page` takes."""
    trace, config, vocab = own.trace, own.config, own.tokenizer.vocab
    model = live.packed(
        {name: weight.detach().numpy() for name, weight in own.model.named_parameters()},
        asdict(config),
        vocab,
        corpus=own.corpus,
        prompt=trace.sentence,
        answer=own.answer,
        fingerprint=trace.weights,
        look=look(vocab),
    )
    answers = sorted(zip(trace.probabilities[-1, -1].tolist(), vocab, strict=True), reverse=True)[:GUESSES]
    found = {"model": model, "tokens": trace.tokens, "answers": answers, "presets": presets(own)}
    return found | {"blocks": config.n_layer, "heads": config.n_head, "seed": config.seed, "steps": config.steps}


def look(words: Sequence[str]) -> dict[str, Any]:
    """What scenes are drawn by, as JSON, for scripts that draw them, too.

    The numbers of `scenes.style` by name; the shapes of letters, each its flat points and its triangles; and words,
    those of scenes and single letters, each as how far it goes, and the shapes and places of its letters.
    """
    shapes: dict[bytes, list] = {}

    def placed(text: str) -> list:
        for (points, faces), _ in letters(text):
            shapes.setdefault(points.tobytes(), [np.round(points, 5).ravel().tolist(), faces.ravel().tolist()])
        far = width_of(f"{text}0") - width_of("0")
        return [round(far, 5), [[[*shapes].index(points.tobytes()), round(x, 5)] for (points, _), x in letters(text)]]

    whole = {f"{word} ": placed(f"{word} ") for word in [*words, *NAMES.split()]}
    written = f" .,…+=)−{string.digits}{string.ascii_letters}"
    single = {letter: placed(letter) for letter in sorted({*"".join(words), *written})}
    return {"style": style.NUMBERS, "texts": whole | single, "shapes": [*shapes.values()]}


def presets(own: Evidence) -> dict[str, list[str]]:
    """Prompts by what they are: the page's own, those of the corpus that are most like it, and one that is missed.

    What is missed is a sentence that begins late, and of which only one end is known: the longest.
    """
    first, *others = every = [sentence.split() for sentence in (*own.held_out, *own.corpus)]
    apart = {" ".join(words[:-1]): sum(map(str.__ne__, first, words)) for words in others if len(words) == len(first)}
    late = [(" ".join(words[n:-1]), words[-1]) for n in range(1, own.config.n_context) for words in every]
    ends = {start: {end for other, end in late if other == start} for start, _ in late if start}
    missed = (
        start
        for start, known in ends.items()
        if len(known) == 1 and gpt.trace(own.model, own.tokenizer, start).prediction not in known
    )
    found = {
        "kept back from the training": [own.trace.sentence],
        "like it, and learned": [one for one, differs in apart.items() if differs == min(apart.values())],
        "begun late, and missed": [one for one in [next(missed, "")] if one],
    }
    return {what: prompts for what, prompts in found.items() if prompts}


def told(own: Evidence) -> list[str]:
    """What has been trained, for the terminal."""
    trace, answer = own.trace, own.answer
    return [
        f"loss        {own.loss:.3f} nats a token, {own.parameters:,} parameters",
        f"held out    {trace.sentence} … {trace.prediction} ({trace.probability(trace.prediction):.0%})",
        *([] if trace.prediction == answer else [f"            but the sentence goes on with {answer}"]),
    ]
