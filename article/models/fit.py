"""From a text to a trained model: the tokenizer, the examples, the training, and what it came to."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import torch

import gpt
from article.errors import RefusalError
from article.files import locked
from article.models import baselines, corpus, prompts, tokenizers
from article.models.bigram import Bigram, floor, floor_of_lines
from article.models.dataset import Examples, evaluate, stream
from article.models.memory import check_memory
from article.models.model import OpenedModel
from article.models.processes import Team
from article.models.sampling import Sampling, draws
from article.models.settings import WINDOWS, Settings, settle
from article.models.trainer import Training, train
from article.models.training_state import Course


class Rung(NamedTuple):
    """What a model of the ladder came to."""

    name: str
    parameters: int
    loss: float  # on the held-out text, in nats a token
    sample: str


@dataclass(frozen=True)
class Result:
    """All that a run knows at its end."""

    settings: Settings  # as they were settled: n_context and n_vocab are numbers other than 0
    tokenizer: gpt.Tokenizer
    name: str  # of the text's folder
    train_text: str
    held_out_text: str
    train: Examples
    held_out: Examples
    course: Course
    model: gpt.GPT  # with the best weights, in float64
    train_loss: float  # in nats a token, on all of the text
    held_out_loss: float
    bigram: tuple[float, float]  # train and held-out loss of the counted bigram
    floor: float  # what no model with this context can go below on the training text
    ladder: list[Rung] = field(default_factory=list)  # empty if it was not asked for
    note: str = ""  # what was not read as it looks, in a sentence


LINES, WORDS = 1000, 32  # a text of no more lines, none of them of more words, is one of sentences
PROMPT = 6  # tokens of the held-out text that the scenes show, if no other prompt is given
LINE = 10  # the same where the text is lines; of a shorter one, all but the last
SAMPLE = 200  # tokens, at most, of what the model writes


@contextlib.contextmanager
def training_ground(out: Path, fresh: bool) -> Iterator[Path]:
    """A folder beside the site, where a training keeps its state until the site stands."""
    ground = out.absolute().with_name(f".{out.absolute().name}.training")
    with contextlib.ExitStack() as held:
        try:
            ground.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(ground))
            for kept in ground.iterdir() if fresh else ():
                kept.unlink()
        except BlockingIOError:
            raise RefusalError(f"{out} is trained by another process; wait for that, or name another --out.") from None
        except OSError as error:
            raise RefusalError(f"{ground} cannot be written: {error.strerror}; choose another --out.") from None
        try:
            yield ground
        finally:
            with contextlib.suppress(OSError):
                ground.rmdir()  # which takes away no state


@dataclass(frozen=True)
class Task:
    """What models are trained on and how, the whole one and those of the ladder."""

    settings: Settings
    tokenizer: gpt.Tokenizer
    train: Examples
    held_out: Examples
    ground: Path | None  # where states are kept
    team: Team

    @property
    def config(self) -> gpt.Config:
        return self.settings.config(len(self.tokenizer.vocab))

    def write(self, model: Any, *names: object) -> str:
        """A sample of a model, which begins as the held-out text does; drawn from the stream of the names."""
        first = self.held_out.ids.flatten()[:1].tolist()
        random = stream(self.settings.seed, "sample", *names)
        n_context = self.settings.n_context
        n = min(SAMPLE, n_context - 1) if self.settings.examples == "lines" else SAMPLE
        drawn = draws(model, first, n, Sampling(), random, n_context)
        return self.tokenizer.decode([*first, *(draw.id for draw in drawn)])

    def teach(self, model: Any, name: str, rate: float = 1.0) -> Course:
        """Trains a model from its beginning, or from where it was kept; `rate` multiplies the learning rate."""
        settings = replace(self.settings, learning_rate=rate * self.settings.learning_rate)
        gpt.initialise(model.double(), settings.embedding_limit, stream(settings.seed, "start"))
        state = self.ground / f"{name}.pt" if self.ground else None
        return train(model, Training(settings, self.train, self.held_out, self.write, state, self.team, name))

    def rung(self, model: Any, name: str, loss: float) -> Rung:
        """What a trained model comes to; `loss` is that of the held-out text."""
        return Rung(name, sum(weight.numel() for weight in model.parameters()), loss, self.write(model, name))


def learn(
    folder: Path, given: dict[str, Any], climb: bool, ground: Path | None, team: Team, prompt: str | None = None
) -> Result:
    """Everything up to the trained model; states are kept in the `ground`. Raises RefusalError."""
    texts = corpus.read_texts(folder, given.get("share", Settings().share))
    task, note = task_of(texts, given, ground, team)
    settings, tokenizer = task.settings, task.tokenizer
    if team.device.type == "cpu":
        check_memory(settings, task.train.ids.shape, climb)
    model = gpt.GPT(task.config)
    if prompt is not None:  # judged before the training, not after it
        prompts.read(OpenedModel(task.config, tokenizer, model, ()), prompt, cut=False)
    course = task.teach(model, "training")
    train_loss, held_out_loss = evaluate(model, task.train), evaluate(model, task.held_out)
    rows, others = numbers(task.train), numbers(task.held_out)
    pairs = Bigram.of(rows, settings.n_vocab)
    rungs = []
    if climb:
        dice = Random(settings.seed)  # noqa: S311 (nothing is secret here)
        said = tokenizer.decode(pairs.sample(min(SAMPLE, settings.n_context), dice))
        rungs.append(Rung("counted bigram", settings.n_vocab**2, pairs.loss(others), said))
        for name, rung, rate in baselines.rungs(task.config):
            task.teach(rung, name, rate)
            rungs.append(task.rung(rung, name, evaluate(rung, task.held_out)))
        rungs.append(task.rung(model, "the whole model", held_out_loss))
    return Result(
        settings=settings,
        tokenizer=tokenizer,
        name=texts.name,
        train_text=texts.train,
        held_out_text=texts.held_out,
        train=task.train,
        held_out=task.held_out,
        course=course,
        train_loss=train_loss,
        held_out_loss=held_out_loss,
        model=model.to("cpu").double(),
        bigram=(pairs.loss(rows), pairs.loss(others)),
        floor=floor(rows, settings.n_context) if rows.ndim == 1 else floor_of_lines(rows),
        ladder=rungs,
        note=note,
    )


def task_of(texts: corpus.Texts, given: dict[str, Any], ground: Path | None, team: Team) -> tuple[Task, str]:
    """What models are trained on, and a sentence if that is not what was tried first. Raises RefusalError.

    A text that is taken for lines by its looks, as source code may be, and cannot be read so, is cut in windows.
    """

    def task(preset: Settings) -> Task:
        tokenizer, settings = cut(texts, settle(given, preset))
        train = examples(texts.train, tokenizer, settings, settings.n_context + 1)
        return Task(settings, tokenizer, train, examples(texts.held_out, tokenizer, settings), ground, team)

    preset = preset_of(texts.train, given)
    try:
        return task(preset), ""
    except RefusalError as error:
        if preset is WINDOWS or given.keys() & {"examples", "tokenizer", "n_context", "n_vocab"}:
            raise  # it is what was asked for that does not fit
        try:
            return task(WINDOWS), f"the text is read in windows, and not line by line, because {error}"
        except RefusalError:
            raise error from None


def preset_of(train_text: str, given: dict[str, Any]) -> Settings:
    """The preset for a text: sentences, or what windows are cut from, unless that is given.

    Sentences are cut into words; into characters if none has a space, as in Japanese.
    """
    lines = train_text.split("\n")
    short = len(lines) <= LINES and all(len(line.split()) <= WORDS for line in lines)
    if given.get("examples", "lines" if short else "windows") == "windows":
        return WINDOWS
    return replace(Settings(), tokenizer="words" if any(len(line.split()) > 1 for line in lines) else "characters")


def cut(texts: corpus.Texts, settings: Settings) -> tuple[gpt.Tokenizer, Settings]:
    """The tokenizer of a text, and the settings with what follows from it. Raises RefusalError."""
    most = settings.n_vocab or (512 if settings.tokenizer == "bpe" else 0)
    text = f"{texts.train}\n{texts.held_out}"  # what training lacks has an id, too; the report says how much that is
    tokenizer = tokenizers.make(settings.tokenizer, text, most)
    n_vocab = len(tokenizer.vocab)
    if settings.n_vocab and n_vocab > settings.n_vocab:
        raise RefusalError(
            f"the text has {n_vocab:,} different {settings.tokenizer}, more than n_vocab = {settings.n_vocab:,}; "
            "allow more, or use the tokenizer bpe."
        )
    if n_vocab < 2:
        raise RefusalError("the text has one token only; there is nothing to predict.")
    n_context = settings.n_context
    if settings.examples == "lines" and not n_context:
        n_context = max(2, *(len(tokenizer.encode(line)) - 1 for line in text.split("\n")))
    return tokenizer, replace(settings, n_vocab=n_vocab, n_context=n_context)


def examples(part: str, tokenizer: gpt.Tokenizer, settings: Settings, least: int = 2) -> Examples:
    """What a model reads of a text. Raises RefusalError for a line that is too short or too long, or for too little."""
    if settings.examples == "windows":
        ids = torch.tensor(tokenizer.encode(part))
        if len(ids) < least:
            raise RefusalError(f"the text has {len(ids)} tokens, but it needs {least}; add to it, or lower n_context.")
        return Examples.of_text(ids, settings.n_context)
    lines = [line for line in part.split("\n") if line.strip()]
    for line in lines:
        n, most = len(tokenizer.encode(line)), settings.n_context + 1
        if not 2 <= n <= most:
            raise RefusalError(
                f"the line {line[:60]!r} has {n} token{'s' * (n != 1)} ({settings.tokenizer}); it "
                f"needs at least 2 and at most {most}, n_context + 1."
            )
    return Examples.of_lines(tokenizer, lines, settings.n_context)


def numbers(part: Examples) -> np.ndarray:
    """The ids of a text (N,), or of its lines (B, T+1) with UNKNOWN where they are filled up."""
    return torch.cat([part.ids[..., :1], part.targets], dim=-1).numpy()


def prompt_of(result: Result, given: str | None) -> str:
    """What the scenes show: the prompt that is given, or the beginning of the held-out text. Raises RefusalError."""
    tokenizer, config = result.tokenizer, result.model.config
    if given is not None:
        return prompts.read(OpenedModel(config, tokenizer, result.model, ()), given, cut=False).text
    first = next(line for line in result.held_out_text.split("\n") if line.strip())
    ids = tokenizer.encode(first)
    lines = result.settings.examples == "lines"
    for n in range(min(LINE, len(ids) - 1) if lines else min(PROMPT, config.n_context, len(ids)), 1, -1):
        prompt = tokenizer.decode(ids[:n])
        if tokenizer.encode(prompt) == ids[:n]:  # a token may end within a letter
            return prompt
    return tokenizer.decode(ids[:1])
