"""Values and claims: measured against other libraries, and refused where they say nothing."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, entropy
from sklearn.metrics.pairwise import cosine_similarity

import gpt
from article import measures
from article import values as values_
from article.claims import generalises
from article.evidence import claim as claim_
from article.evidence.claim import CLAIMS, Claim, FactError, Outcome, Truth, establish, judge, wilson
from article.evidence.evidence import Evidence
from article.evidence.words import decimals
from scenes.analysis import ablation


@pytest.fixture(scope="module")
def evidence(model, tokenizer, corpus, held_out, trace) -> Evidence:
    config = gpt.Config(n_vocab=len(tokenizer.vocab))
    return Evidence(config, tokenizer, corpus, [held_out], model, trace)


@pytest.fixture(autouse=True)
def claims(monkeypatch):
    """The registered claims, to which a test may add its own."""
    monkeypatch.setattr(claim_, "CLAIMS", dict(CLAIMS))
    return CLAIMS


# --- Measures -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(pair):
    held, seeds = pair
    theirs = binomtest(held, seeds).proportion_ci(0.95, method="wilson")
    assert wilson(held, seeds) == pytest.approx((theirs.low, theirs.high), abs=1e-4)


def test_cosines_are_sklearns(evidence):
    words = [*measures.kinds()[0], *measures.kinds()[1]]
    theirs = cosine_similarity(np.stack([measures.vector(evidence, word) for word in words]))
    ours = [[measures.cosines(evidence, [(a, b)])[0] for b in words] for a in words]
    assert np.allclose(ours, theirs, rtol=0, atol=1e-12)


def test_entropy_is_scipys(corpus):
    """Of the words themselves; and it falls with every word that one sees, down to the floor."""
    words = [word for sentence in corpus for word in sentence.split()[1:]]
    _, counts = np.unique(words, return_counts=True)
    assert measures.entropy(corpus, 0) == pytest.approx(entropy(counts))
    seen = [measures.entropy(corpus, reach) for reach in range(9)]
    assert all(more >= less - 1e-12 for more, less in zip(seen, seen[1:], strict=False))
    assert seen[-1] == pytest.approx(measures.entropy(corpus))


def test_entropy_by_hand():
    assert measures.entropy(["a b", "a c"]) == pytest.approx(math.log(2))
    assert measures.entropy(["a b c", "a b c"]) == 0
    assert measures.counted(["a b", "a b", "a c"], "a c", 1) == pytest.approx(1 / 3)
    assert measures.counted(["a b"], "z b", 1) == 0


# --- Effects ------------------------------------------------------------------------------------------------------


def probabilities(model: gpt.GPT, evidence: Evidence) -> np.ndarray:
    ids = torch.tensor([evidence.tokenizer.encode(evidence.trace.sentence)])
    with torch.no_grad():
        return model(ids).logits[0, -1].softmax(-1).numpy()


def test_cuts_do_what_missing_weights_would(evidence):
    """A model whose parameters for a part are zero says what is left when the part is cut."""
    L, H = evidence.config.n_layer, evidence.config.n_head
    size = evidence.config.n_embd // H
    for l in range(L):
        for heads in (*((h,) for h in range(H)), tuple(range(H))):
            model = copy.deepcopy(evidence.model)
            for h in heads:
                model.blocks[l].attention.project.weight.data[:, h * size : (h + 1) * size] = 0
            left = (
                evidence.ablation.without_head[l, heads[0]] if len(heads) == 1 else evidence.ablation.without_heads[l]
            )
            assert np.allclose(left, probabilities(model, evidence), rtol=0, atol=1e-12)
        model = copy.deepcopy(evidence.model)
        model.blocks[l].mlp.down.weight.data[:] = 0
        model.blocks[l].mlp.down.bias.data[:] = 0
        assert np.allclose(evidence.ablation.without_mlp[l], probabilities(model, evidence), rtol=0, atol=1e-12)
    model = copy.deepcopy(evidence.model)
    model.position.weight.data[:] = 0
    assert np.allclose(measures.without_positions(evidence), probabilities(model, evidence), rtol=0, atol=1e-12)


def test_a_cut_weight_takes_its_value_away(evidence):
    """In the last block, what is left is computed once more from the trace: the mixed values less one of them."""
    model, trace = evidence.model, evidence.trace
    block, size = model.blocks[-1], evidence.config.n_embd // evidence.config.n_head
    before = torch.tensor(trace.residual[-2])
    for h, k in ((0, 0), (1, 3), (1, 7)):
        with torch.no_grad():
            normed = block.ln_1(before)
            values = block.attention.value(normed).view(len(normed), -1, size)
            pattern = torch.tensor(trace.attention[-1, :, -1]).clone()
            pattern[h, k] = 0
            mixed = torch.einsum("hk,khd->hd", pattern, values).flatten()
            x = before[-1] + block.attention.project(mixed)
            x = x + block.mlp(block.ln_2(x))[0]
            left = (model.ln_f(x) @ model.embedding.weight.T).softmax(-1).numpy()
        assert np.allclose(evidence.ablation.without_weight[-1, h, k], left, rtol=0, atol=1e-12)


def test_effects_are_losses_of_the_answer(evidence):
    e = evidence.ablation
    whole = evidence.trace.probability(evidence.answer)
    assert e.head_effect == pytest.approx(whole - e.without_head[..., e.id(evidence.answer)])
    assert e.weight_effect.shape == evidence.trace.attention.shape[:3]
    nothing = ablation.outcomes(
        evidence.model, evidence.tokenizer.encode(evidence.trace.sentence), [ablation.Cut("nowhere", ())]
    )
    assert nothing[0, e.id(evidence.answer)] == pytest.approx(whole)


def test_means_are_those_of_the_corpus(evidence):
    """Of a head's weights at one distance, and of what an MLP writes, sentence by sentence."""
    mean = ablation.means(evidence.model, evidence.tokenizer, evidence.corpus, 8)
    weights: list[float] = []
    for sentence in evidence.corpus:
        whole = gpt.trace(evidence.model, evidence.tokenizer, sentence.rsplit(maxsplit=1)[0])
        weights += [whole.attention[1, 0, q, q - 2] for q in range(2, len(whole.tokens))]
    assert float(mean["attention/1"][0, 2]) == pytest.approx(np.mean(weights))
    assert mean["mixed/0"].shape == (2, 10)
    assert mean["mlp/1"].shape == (20,)


# --- Claims -------------------------------------------------------------------------------------------------------


def test_a_claim_is_established(evidence):
    @claim_.claim("the loss is above one", decimals)
    def heavy(e: Evidence) -> Truth:
        return e.loss, e.loss > 1

    found = establish("heavy", evidence, [evidence, evidence])
    assert (found.held, found.seeds, found.own.holds) == (2, 2, True)
    assert found.own.text == f"{evidence.loss:.2f}"
    assert found.expression == "e.loss > 1"
    assert found.code.startswith("@claim_.claim(")
    assert found.interval == wilson(2, 2)


@pytest.mark.parametrize(
    ("held", "seeds", "bound", "share", "reached"),
    [
        (14, 16, "at-least", 0.875, True),
        (13, 16, "at-least", 0.875, False),
        (2, 16, "at-most", 0.125, True),
        (3, 16, "at-most", 0.125, False),
        # Of four, none is no proof that it is fewer than a third; it is one that it is not nearly all.
        (0, 4, "at-least", 0.3, True),
        (0, 4, "at-least", 0.9, False),
        (4, 4, "at-most", 0.1, False),
        (1, 1, "at-most", 0.5, True),
    ],
)
def test_few_trainings_refute_a_share_only_if_the_interval_does(held, seeds, bound, share, reached):
    yes, no = (Outcome("", "", holds) for holds in (True, False))
    claim = Claim("", "", "", "", yes, (yes,) * held + (no,) * (seeds - held))
    assert claim.reaches(bound, share) == reached


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda _: 1 / 0, "the claim 'odd' raises ZeroDivisionError: division by zero"),
        (lambda e: e.lost, "the claim 'odd' raises AttributeError"),
        (lambda _: 5, "the claim 'odd' raises TypeError"),
        (lambda _: (math.nan, True), "the value of 'odd' is nan"),
        (lambda _: (math.inf, True), "the value of 'odd' is inf"),
        (lambda _: (1.0, 1), "the claim 'odd' is neither true nor false but 1"),
        (lambda _: (1.0, None), "the claim 'odd' is neither true nor false but None"),
        (lambda _: (1.0, np.array([True, False])), "the claim 'odd' is neither true nor false"),
    ],
)
def test_a_predicate_that_says_nothing_is_refused(evidence, answer, says):
    answer.__name__ = "odd"
    claim_.claim("something odd")(answer)
    with pytest.raises(FactError, match=says):
        judge("odd", evidence)


def test_two_claims_of_one_name_and_one_without_words_are_refused():
    with pytest.raises(FactError, match="there are two claims of the name 'generalises'"):
        claim_.claim("again")(generalises)
    with pytest.raises(FactError, match="the claim '<lambda>' does not say in words what it means"):
        claim_.claim(" ")(lambda _: (1, True))


def test_an_infinite_value_is_refused(evidence, monkeypatch):
    monkeypatch.setattr(values_.measures, "cosine", lambda *_: math.inf)
    with pytest.raises(FactError, match=r"the value of '\w+' is inf"):
        values_.values(evidence, [evidence])


def test_every_value_and_every_claim_is_used(evidence):
    """What the article does not say needs no computing."""
    from article.web.markdown import ClaimLink, Document, Value
    from article.web.site import read_article

    texts = [Document(read_article(name)) for name in ("index.md", "flow.md")]
    used = [reference for text in texts for reference in text.references]
    assert set(CLAIMS) - {one.name for one in used if isinstance(one, ClaimLink)} == {"is_sure"}  # drawn as a figure
    names = set(values_.values(evidence, [evidence]))
    assert names - {one.name for one in used if isinstance(one, Value)} == set()
