"""The site of a model that was trained elsewhere: its scenes of a prompt, all numbers, and a report of what it is."""

import argparse
import math
from pathlib import Path

import numpy as np
from scipy.special import log_softmax

import gpt
from article.errors import RefusalError
from article.escaping import say
from article.evidence.words import count, decimals, exact_percent, percent
from article.models import loading, prompts
from article.models.model import OpenedModel
from article.sites import model, report
from article.sites.report import parameters
from article.web import markdown
from article.web.markdown_text import fill, markdown_table, token_to_markdown
from article.web.publish import add_page
from article.web.site import Site
from scenes import glyphs
from scenes.words import level_name

TEMPLATE = Path(__file__).with_name("checkpoint.md")
BEST = 10  # candidates in the table of answers


def publish(options: argparse.Namespace) -> None:
    """Puts the site of a checkpoint in place; prints the summary. Raises RefusalError and FalsehoodError."""
    if options.prompt is None:
        raise RefusalError("--checkpoint needs something to show; name a text with --prompt.")
    site = Site("checkpoint", options.url, options.fresh)
    with site.published(options.out):
        with site.stage("open"):
            run = loading.open_model(options.checkpoint, options.tokenizer, options.seed)
            prompt = prompts.read(run, options.prompt, False)
        with site.stage("trace"):
            trace = prompts.traced(run, prompt)
        site.notes += run.notes
        path = options.checkpoint.resolve()
        # The folder of a file says more than the file's own name.
        make(site, run, trace, (path.parent if path.is_file() else path).name)
    about = {"run": run, "config": run.config, "parameters": parameters(run), "trace": trace}
    say(site.summary(options.out / "index.html", TEMPLATE.with_suffix(".txt"), **about))


def make(site: Site, run: OpenedModel, trace: gpt.Trace, name: str) -> None:
    """Adds the pages to the site. Raises RefusalError and FalsehoodError."""
    about = {"name": name, "parameters": count(parameters(run)), "origin": run.origin}
    parts = model.make(site, trace, about, {"opened"})
    with site.stage("pages"):
        words = text(run, trace, name)
        add_page(site, "report.html", report.to_page(words, {}), parts)
        site.files["report.md"] = words.encode()


def text(run: OpenedModel, trace: gpt.Trace, name: str) -> str:
    """The report as Markdown; whatever comes from the checkpoint or the prompt enters as text."""
    expected = expectations(trace)
    told = [expected[t, trace.id(token)] for t, token in enumerate(trace.tokens[1:])]
    parts = {name for name, there in (("surprise", told), ("tied", trace.unembed is None)) if there}
    return fill(
        markdown.keep(TEMPLATE.read_text("utf-8"), parts),
        name=name,
        run=run,
        trace=trace,
        config=run.config,
        parameters=parameters(run),
        marks=report.MARKS,
        loss=decimals(-float(np.mean(told)), 3) if told else "",
        evenly=decimals(math.log(run.config.n_vocab), 3),
        prompt_table=prompt_table(trace),
        answer_table=answer_table(trace),
        lens_table=lens_table(trace),
        heads_table=heads_table(trace),
        stream_table=stream_table(trace),
        parameters_table=parameters_table(run),
        table=glyphs.unembedding(trace),
        precision=str(run.model.embedding.weight.dtype).removeprefix("torch."),
    )


def expectations(trace: gpt.Trace) -> np.ndarray:
    """Logarithms of the probabilities of the next token, after each token (T, V)."""
    return log_softmax(np.asarray(trace.lens[-1], float), axis=-1)


def prompt_table(trace: gpt.Trace) -> str:
    """The tokens, with how surprised the model was by each."""
    expected, rows = expectations(trace), []
    for t, name in enumerate(trace.tokens):
        row = [str(t + 1), token_to_markdown(name), str(trace.id(name))]
        if t:
            mine, best = expected[t - 1, trace.id(name)], expected[t - 1].argmax()
            row += [decimals(-mine, 3), percent(np.exp(mine))]
            row += [token_to_markdown(trace.vocab[best]), percent(np.exp(expected[t - 1, best]))]
        rows.append(row + [""] * (7 - len(row)))
    return markdown_table(("place", "<token", "id", "surprise", "expected", "<expected most", "with"), rows)


def answer_table(trace: gpt.Trace) -> str:
    """The most probable next tokens."""
    expected, logits = expectations(trace)[-1], trace.lens[-1, -1]
    chance = np.exp(expected)
    rows = [
        (str(n), token_to_markdown(trace.vocab[id]), str(id), decimals(logits[id], 3), exact_percent(chance[id]))
        for n, id in enumerate(np.argsort(-expected, kind="stable")[:BEST], 1)
    ]
    return markdown_table(("", "<token", "id", "logit", "probability"), rows)


def lens_table(trace: gpt.Trace) -> str:
    """What each level of the stream would answer, and how probable the answer of the last one is there."""
    answer, rows = trace.prediction, []
    for l in range(len(trace.residual)):
        best = trace.vocab[int(trace.lens[l, -1].argmax())]
        shares = [exact_percent(trace.probability(token, l)) for token in (best, answer)]
        rows.append((level_name(l), token_to_markdown(best), *shares))
    return markdown_table(("<level", "<answer", "probability", f"of {token_to_markdown(answer)}"), rows)


def heads_table(trace: gpt.Trace) -> str:
    """The widest look of each block into the last token."""
    rows = []
    for l, weights in enumerate(trace.attention[:, :, -1]):
        h, k = np.unravel_index(int(weights.argmax()), weights.shape)
        place = f"{k + 1} {token_to_markdown(trace.tokens[k])}"
        rows.append((str(l + 1), str(h + 1), place, decimals(weights[h, k], 3)))
    return markdown_table(("block", "head", "<looks at", "weight"), rows)


def stream_table(trace: gpt.Trace) -> str:
    """The sizes of the vectors at each level."""
    rows = []
    names = [*map(level_name, range(len(trace.residual))), "after the final LayerNorm"]
    for name, vectors in zip(names, (*trace.residual, trace.normed[-1]), strict=True):
        size = float(np.sqrt((np.asarray(vectors, float) ** 2).mean()))
        t, d = np.unravel_index(int(np.abs(vectors).argmax()), vectors.shape)
        place = f"{t + 1} {token_to_markdown(trace.tokens[t])}"
        rows.append((name, decimals(size, 3), decimals(vectors[t, d], 3), str(d + 1), place))
    return markdown_table(("<level", "size", "largest", "component", "<token"), rows)


def parameters_table(run: OpenedModel) -> str:
    """Every parameter with its shape and what its numbers are like."""
    rows = []
    for name, weight in run.model.named_parameters():
        shape, whole = " × ".join(f"{n:,}" for n in weight.shape), weight.detach()
        spread = (whole.double() if whole.numel() < 10**6 else whole).std(correction=0)
        sizes = [decimals(one.item(), 3) for one in (spread, whole.min(), whole.max())]
        rows.append((f"`{name}`", shape, f"{whole.numel():,}", *sizes))
    return markdown_table(("<name", "shape", "numbers", "spread", "least", "greatest"), rows)
