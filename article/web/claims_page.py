"""The claims of the article: what they came to, for machines, and the page that shows the evidence for each."""

from collections.abc import Mapping, Sequence

from article.evidence.claim import Facts
from article.web import html
from article.web.html import Addresses, Body
from article.web.markdown import Document
from article.web.plots import distribution

TITLE = "The evidence"
DESCRIPTION = "What was asked to find out whether the article is true, and what it came to."


def claims_of(document: Document, facts: Facts, page: str = "index.html") -> list[dict]:
    """The claims of a document in order, with what they came to; "line" says where, and "page" where to.

    Raises UnknownNameError for a claim or a value that `facts` lack.
    """
    document.check(facts)
    asked = ((reference, facts.claims[reference.name]) for reference in document.claims)
    return [
        {
            "id": reference.id,
            "sentence": document.words(reference.sentence, facts.values),
            "value": claim.own.text,
            "holds": reference.holds(claim),
            "held": claim.held,
            "seeds": claim.seeds,
            **({"share": f"{reference.bound} {reference.share:g}"} if reference.bound else {}),
            "interval": [round(end, 4) for end in claim.interval],
            "predicate": claim.words,
            "code": claim.code,
            "expression": claim.expression,
            "page": page,
            "survey": [{"value": outcome.text, "holds": outcome.holds} for outcome in claim.survey],
            "line": reference.line,
        }
        for reference, claim in asked
    ]


def body(
    claims: Sequence[Mapping],
    facts: Facts,
    at: Addresses | None = None,
    subject: str = "model",
    runs: str = "trainings",
) -> Body:
    """The page: a section for each claim, as `claims_of` has them, in the order of the article.

    The `subject` is what was asked, and `runs` what there are several of; nothing if it was asked once.
    """
    shown = [(claim, distribution(facts.claims[claim["id"].rsplit("-", 1)[0]])) for claim in claims]
    values = {"title": TITLE, "seeds": facts.values["seeds"], "subject": subject, "runs": runs}
    return Body(html.render("claims.html", claims=shown, at=at or Addresses(), **values), TITLE, DESCRIPTION)
