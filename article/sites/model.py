"""What the site of a model shows of a prompt: the scenes that can be told apart, an overview where they cannot, and all
numbers.
"""

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import gpt
from article.evidence.claim import Facts
from article.evidence.words import count, decimals, number, percent
from article.sites import flow, large_model
from article.web import html, markdown
from article.web.publish import Page, add_page, add_pages
from article.web.site import Site
from scenes import glyphs
from scenes.analysis.aggregation import Aggregation
from scenes.analysis.decomposition import Decomposition
from scenes.analysis.views import view

HERE = Path(__file__).resolve().parent
BOXES = 8000  # more in one scene cannot be told apart
TALL = 64  # components; a column of more cannot be read
WIDE = 80  # tokens of the vocabulary, or origins of a logit; a row of more cannot be read
SCENES = ("prompt", "stream", "sum", "forward", "lens", "logit", "origin", "map")


def make(site: Site, trace: gpt.Trace, about: Mapping[str, str], parts: set[str]) -> Collection[str]:
    """Adds the pages about a trace to a site; returns the parts of their template, for further ones.

    `about` has the values of run.md that the trace does not know, `parts` the names of its parts that speak of the
    model's origin. The site notes what is not shown, and why. Raises RefusalError and FalsehoodError.
    """
    refused = {scene: reason for scene in SCENES if (reason := too_much(scene, trace))}
    boxed = glyphs.lacking((*trace.tokens, *(trace.vocab if not refused else ())))
    size = "large" if refused.keys() & {"stream", "forward"} else "small"
    parts = parts | {size} | {*SCENES} - {*refused}
    parts |= {name for name, there in (("undrawn", refused), ("boxed", boxed)) if there}
    text = markdown.keep((HERE / "run.md").read_text("utf-8"), parts)
    values = known(trace, parts) | dict(about) | {"base": site.base, "boxed": "".join(boxed[:3])}
    undrawn = []
    for reason in dict.fromkeys(refused.values()):
        some = ", ".join(f"“{scene}”" for scene, why in refused.items() if why == reason)
        undrawn.append(f"{some}, of {reason}")
    values["undrawn"] = "; ".join(undrawn)
    site.notes += [f"left out: {one}." for one in undrawn]
    shown = partial(view, subject=SimpleNamespace(trace=trace))
    pages = [Page("index.html", "article/sites/run.md", text, shown, kept=size == "small")]
    of_template = ("run", size)
    if size == "large":
        pages += large_model.pages(trace)
        site.files |= large_model.files_of(trace)
    add_pages(site, pages, of_template, lambda: Facts(values, {}))
    if size == "small":
        add_page(site, "flow.html", flow.page(site, trace), of_template)
    return of_template


def too_much(scene: str, trace: gpt.Trace) -> str:
    """What a scene would have more of than can be told apart; nothing if it is fine."""
    L, H, T, _ = trace.attention.shape
    V, D = trace.embedding.shape
    if scene in ("lens", "map") and V > WIDE:
        return f"{V:,} tokens of the vocabulary, more than {WIDE}"
    if scene not in ("lens", "map", "origin") and D > TALL:
        return f"{D:,} components in a column, more than {TALL}"
    if scene == "origin" and (n := L * (H + 2) + 3) > WIDE:
        return f"{n:,} origins of a logit, more than {WIDE}"
    boxes = {"stream": (L + 2) * T * D, "forward": (L + 2) * T * D + L * H * T * (T + 1) // 2}
    n = boxes.get(scene, 0)
    return f"{n:,} marks, more than {BOXES:,}" if n > BOXES else ""


def known(trace: gpt.Trace, parts: set[str]) -> dict[str, str]:
    """The values of run.md that the trace knows; those of parts that it does not have are left out."""
    decomposition = Decomposition(trace)
    L, H, T, _ = trace.attention.shape
    V, D = trace.embedding.shape
    best = [trace.vocab[id] for id in decomposition.ranking[:2]]
    l, h, k = decomposition.widest
    values = {
        "blocks": f"{number(L)} block{'s' * (L > 1)}",
        "heads": f"{number(H)} head{'s' * (H > 1)}",
        "components": count(D),
        "words": count(V),
        "tokens": number(T),
        "table": glyphs.unembedding(trace),
        "prompt": trace.sentence,
        "prediction": best[0],
        "probability": percent(trace.probability(best[0])),
        "second": best[1],
        "second_probability": percent(trace.probability(best[1])),
        "widest_place": f"block {l + 1}, head {h + 1}",
        "widest_token": trace.tokens[k],
        "widest_weight": decimals(trace.attention[l, h, -1, k]),
    }
    if "origin" in parts:
        values["largest_origin"] = decomposition.origins[int(decomposition.share[:, decomposition.ranking[0]].argmax())]
    if "map" in parts:
        values["map_kept"] = percent(decomposition.map_kept)
    if "large" in parts:
        values["together"] = large_model.together(Aggregation(trace))
        values["block_pages"] = html.render("blocks.html", blocks=L)
    return values
