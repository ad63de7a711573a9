"""A forward pass taken apart is put together again, to the last digit."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.special import softmax

import gpt
from scenes.analysis.decomposition import Decomposition, key_of_token


@pytest.fixture(scope="module")
def decomposition(trace) -> Decomposition:
    return Decomposition(trace)


def close(one, other) -> bool:
    return np.allclose(one, other, rtol=0, atol=1e-11)


def test_products_sum_to_scores_and_logits(decomposition):
    assert close(decomposition.product.sum(axis=-1), decomposition.score)
    assert close(decomposition.agreement.sum(axis=-1), decomposition.lens[-1, -1][decomposition.ranking])


def test_the_last_vector_is_the_sum_of_its_parts(decomposition):
    assert close(decomposition.part.sum(axis=0), decomposition.residual[-1, -1])
    assert len(decomposition.origins) == len(decomposition.part) + 1 == len(decomposition.share)


def test_shares_sum_to_the_logits(decomposition):
    assert close(decomposition.share.sum(axis=0), decomposition.lens[-1, -1])


def test_layernorm_step_by_step(decomposition, model):
    assert close(decomposition.centred.mean(axis=-1), 0)
    assert close(decomposition.scaled + decomposition.bias, decomposition.normed[-1])
    x = torch.tensor(decomposition.residual[-1])
    assert close(decomposition.standard, F.layer_norm(x, (x.shape[-1],), eps=model.ln_f.eps).numpy())


def test_probabilities_are_scipys(decomposition):
    assert close(decomposition.probabilities, softmax(decomposition.lens, axis=-1))
    assert decomposition.vocab[decomposition.ranking[0]] == decomposition.prediction
    ordered = decomposition.lens[-1, -1][decomposition.ranking]
    assert (np.diff(ordered) <= 0).all()


def test_the_head_that_looks_most(decomposition):
    l, h = decomposition.head
    assert decomposition.attention[l, h, -1].max() == decomposition.attention[:, :, -1].max()
    assert close(decomposition.token + decomposition.position, decomposition.residual[0])


def test_keys_are_means_over_the_corpus(model, tokenizer, corpus, trace):
    """Against a trace of each sentence, less its last word, which is not read."""
    found = key_of_token(model, tokenizer, corpus)
    seen = [gpt.trace(model, tokenizer, sentence.rsplit(maxsplit=1)[0]) for sentence in corpus]
    for token in trace.vocab:
        places = [(one, t) for one in seen for t, other in enumerate(one.tokens) if other == token]
        assert close(found[..., trace.id(token)], np.mean([one.key[:, :, t] for one, t in places], axis=0))


def test_what_is_never_read_has_zeros(model, tokenizer, trace):
    found = key_of_token(model, tokenizer, ["in this web sleeps a spider"])
    assert not found[..., trace.id("spider")].any()
    assert found[..., trace.id("web")].all()


def test_a_view_passes_on_what_its_trace_has(trace):
    """So does a copy, and what neither has is an AttributeError."""
    view = Decomposition(trace)
    for one in (view, replace(view), copy.copy(view), copy.deepcopy(view)):
        assert one.tokens == trace.tokens
        assert (one.token == one.embedding[[trace.id(token) for token in trace.tokens]]).all()
    with pytest.raises(AttributeError, match="loudness"):
        _ = view.loudness
