"""The prose: no number about the model stands in it by hand, and it reads well as plain Markdown."""

import re
import tomllib

import pytest

from tests.conftest import ROOT

WORDS = """
two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred thousand million dozen
half halves third thirds quarter quarters fifth fifths eighth tenth tenths twice double both percent
"""
NUMBER = re.compile(rf"\d[\d.,]*|(?<![\w-])(?:{'|'.join(WORDS.split())})(?![\w-])", re.IGNORECASE)

# Numbers that say nothing of the model: of geometry and drawing, of definitions, of things compared two at a time; and
# thresholds that the claim around them, or the row of the study, has as well.
ABOUT_OTHER_THINGS = """
Two columns that resemble each other are two vectors
To say how alike two vectors are
1 if they point the same way, 0 if they have nothing to do with each other, −1 if they are opposites
turned by an eighth of a circle
Each block adds twice
makes three short vectors
Two things are worth knowing
the two colours are the two heads
the better the two fit
positions of two neighbours
Both say two things at once
Compare the two losses
In at least thirty-one of thirty-two
in no more than three of four trainings
a predecessor of this page
follows one word, or two, gives
in more than half of the components
less than a tenth of it
a bias, both learned
with a third of the steps
stopped after a third of the steps
Two suspects were heard
keeps less than half of what distinguishes the vectors
Two rows of bars
Three rows of columns
the product of the two
none of the products makes half of the score
For more than a third of the queries
A quarter of the components make more than half of the difference
more than half of a head’s attention
"""


def prose(text: str) -> str:
    """A Markdown text without code, values, the targets of links and comments, its lines joined."""
    for pattern in (r"```.*?```", r"`[^`]*`", r"<!--.*?-->"):
        text = re.sub(pattern, " ", text, flags=re.DOTALL)
    text = re.sub(r"\]\([^)\s]+", "](", text)
    return " ".join(re.sub(r"\{[a-z][a-z0-9_.]*\}", "§", text).split())


def hand_typed(text: str) -> list[str]:
    """The numbers of a text that no reference fills in, each with what stands around it."""
    text = prose(re.sub(r"^\d+\. ", "", text, flags=re.MULTILINE))  # of the items of a list
    for phrase in filter(None, ABOUT_OTHER_THINGS.split("\n")):
        text = re.sub(r"\s+".join(map(re.escape, phrase.split())), " ", text)
    return [text[max(0, found.start() - 40) : found.end() + 30] for found in NUMBER.finditer(text)]


def parts(name: str) -> tuple[str, str]:
    """A text, and its appendix of dated notes."""
    body, _, notes = (ROOT / "article" / name).read_text("utf-8").partition("\n## Appendix")
    return body, notes


@pytest.mark.parametrize("path", sorted((ROOT / "article").glob("*.md")), ids=lambda path: path.name)
def test_no_number_about_the_model_is_typed_by_hand(path):
    body, notes = parts(path.name)
    assert hand_typed(body) == []
    assert not notes or re.match(r": [^\n]*\n\nThese are notes of \w+ \d{4}", notes)


@pytest.mark.parametrize(
    "typed",
    [
        "It has 10,620 parameters.",
        "The loss is 0.22.",
        "![Four of eight columns.](forward.glb)",
        '![](forward.glb "All 21 embeddings.")',
        "In nine of ten trainings it does.",
        "[It does in 31 of 32](claim:generalises).",
        "more than half of the attention",
    ],
)
def test_a_typed_number_is_found(typed):
    body, _ = parts("index.md")
    assert hand_typed(f"{body}\n\n{typed}\n")


def test_what_is_referred_to_is_no_typed_number():
    assert (
        hand_typed("It has {parameters} of `8` [so](claim:a?at-least=0.9) ![x](b2.glb) <!-- 3 --> {study.a.held}.")
        == []
    )


# --- What compares or counts, and no claim covers -----------------------------------------------------------------

COMPARING = """
all every each none nothing nobody no any anything always never only most more less least fewer fewest many much few
several some both half nearly almost hardly mostly mainly usually often rarely enough alone same better best worse worst
larger largest smaller smallest higher highest lower lowest wider widest longer longest shorter shortest nearer nearest
farther farthest greater greatest tidier faster slower
"""
COMPARES = re.compile(rf"(?<![\w-])(?:{'|'.join(COMPARING.split())}|\w{{3,}}er than)(?![\w-])", re.IGNORECASE)
REASONS = tomllib.loads((ROOT / "tests" / "repo" / "outside_claims.toml").read_text("utf-8"))
LISTED = [phrase for reason in REASONS.values() for phrase in reason["phrases"]]


def outside_claims(text: str) -> str:
    """A text with a sign in place of each claim."""
    return prose(re.sub(r"\[[^\[\]]*\]\(claim:[^)]*\)", "¶", text))


def unlisted(text: str) -> list[str]:
    """The comparatives, superlatives and quantifiers of a text that the list lacks, each with what stands around it."""
    text = outside_claims(text)
    for phrase in LISTED:
        text = text.replace(phrase, " ")
    return [text[max(0, found.start() - 40) : found.end() + 30] for found in COMPARES.finditer(text)]


def test_what_compares_is_a_claim_or_listed():
    """Alternative texts and captions, too; and the list has no phrase that the texts no longer have."""
    texts = [parts(name)[0] for name in ("index.md", "flow.md")]
    assert [found for text in texts for found in unlisted(text)] == []
    written = "\n".join(map(outside_claims, texts))
    assert [phrase for phrase in LISTED if phrase not in written] == []
    assert all(reason["why"] for reason in REASONS.values())


@pytest.mark.parametrize(
    "written",
    ["Most heads look back.", '![All of it.](map.glb "The widest look costs more.")', "It is darker than that."],
)
def test_a_new_comparison_is_found(written):
    assert unlisted(parts("index.md")[0] + f"\n\n{written}\n") != []
    assert unlisted(f"[{written[:-1]}](claim:generalises).") == [] or written.startswith("!")
