"""The untrained model: what must hold of any GPT, with torch's own layers as oracles."""

import ast
import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss
from torch import nn

import gpt
from tests.conftest import ROOT

SENTENCES = st.lists(st.integers(0, 20), min_size=1, max_size=8)


def forward(model: gpt.GPT, ids: list[int]) -> gpt.Pass:
    with torch.no_grad():
        return model(torch.tensor([ids]))


@settings(deadline=None, max_examples=50)
@given(SENTENCES)
def test_patterns_are_causal_and_sum_to_one(model, ids):
    pattern = forward(model, ids).attention
    assert torch.allclose(pattern.sum(-1), torch.ones(()).double(), atol=1e-12)
    assert (pattern.triu(1) == 0).all()


@settings(deadline=None, max_examples=50)
@given(SENTENCES, st.data())
def test_a_token_changes_nothing_before_it(model, ids, data):
    t = data.draw(st.integers(0, len(ids) - 1))
    other = [*ids[:t], (ids[t] + 1) % 21, *ids[t + 1 :]]
    before, after = forward(model, ids), forward(model, other)
    for was, now in zip(before.residual, after.residual, strict=True):
        assert torch.equal(was[:, :t], now[:, :t])
        assert not torch.equal(was[:, t], now[:, t])
    assert torch.equal(before.logits[:, :t], after.logits[:, :t])
    assert not torch.equal(before.logits[:, t], after.logits[:, t])


@settings(deadline=None, max_examples=25)
@given(SENTENCES)
def test_torch_computes_the_same(model, ids):
    """The same weights in torch's own layers, with its own attention, give the same residual stream and logits."""
    recorded = forward(model, ids)
    T, D = len(ids), 20
    with torch.no_grad():
        x = F.embedding(torch.tensor([ids]), model.embedding.weight) + model.position.weight[:T]
        for l, block in enumerate(model.blocks):
            assert torch.allclose(x, recorded.residual[l], atol=1e-12)
            theirs = nn.MultiheadAttention(D, 2, batch_first=True, dtype=torch.float64)
            ours = block.attention
            theirs.in_proj_weight.data = torch.cat([ours.query.weight, ours.key.weight, ours.value.weight])
            theirs.in_proj_bias.data.zero_()
            theirs.out_proj.weight.data, theirs.out_proj.bias.data = ours.project.weight.data, ours.project.bias.data
            n = F.layer_norm(x, (D,), block.ln_1.weight, block.ln_1.bias)
            mask = nn.Transformer.generate_square_subsequent_mask(T, dtype=torch.float64)
            write, pattern = theirs(n, n, n, attn_mask=mask, average_attn_weights=False)
            assert torch.allclose(pattern, recorded.attention[l], atol=1e-12)
            inside = recorded.inside[l]
            heads = [ours.heads(linear(n)) for linear in (ours.query, ours.key, ours.value)]
            for name, theirs_too in zip(("query", "key", "value"), heads, strict=True):
                assert torch.allclose(inside[name], theirs_too, atol=1e-12)
            mixed = F.scaled_dot_product_attention(*heads, is_causal=True)
            assert torch.allclose(inside["mixed"], mixed, atol=1e-12)
            assert torch.allclose(ours.project(mixed.transpose(1, 2).flatten(2)), write, atol=1e-12)
            past = torch.ones(T, T, dtype=torch.bool).tril()
            assert torch.allclose(
                inside["score"][..., past],
                (pattern.log() + inside["score"].masked_fill(~past, -math.inf).logsumexp(-1)[..., None])[..., past],
                atol=1e-9,
            )
            n_2 = F.layer_norm(x + write, (D,), block.ln_2.weight, block.ln_2.bias)
            up = F.linear(n_2, block.mlp.up.weight, block.mlp.up.bias)
            written = F.linear(up.clamp(min=0), block.mlp.down.weight, block.mlp.down.bias)
            also = {"normed_1": n, "attention_write": write, "middle": x + write, "normed_2": n_2, "up": up}
            for name, value in (also | {"hidden": up.clamp(min=0), "mlp_write": written}).items():
                assert torch.allclose(inside[name], value, atol=1e-12), name
            x = x + write + written
        assert torch.allclose(x, recorded.residual[-1], atol=1e-12)
        final = F.layer_norm(x, (D,), model.ln_f.weight, model.ln_f.bias)
        assert torch.allclose(final, recorded.normed, atol=1e-12)
        assert torch.allclose(F.linear(final, model.embedding.weight), recorded.logits, atol=1e-12)


def test_what_is_filled_in_counts_for_nothing(model, tokenizer, corpus):
    """The loss of a batch of unequal sentences is that of the sentences one by one, as scikit-learn computes it."""
    ids, targets = gpt.batch(tokenizer, corpus)
    with torch.no_grad():
        whole = gpt.loss(model(ids).logits, targets).item()
    rows, right = [], []
    for sentence in corpus:
        *shown, _ = encoded = tokenizer.encode(sentence)
        rows.append(forward(model, shown).logits[0].softmax(-1).detach().numpy())
        right += encoded[1:]
    assert (targets == gpt.NO_TARGET).any()
    assert math.isclose(whole, log_loss(right, np.concatenate(rows), labels=range(21)), rel_tol=1e-12)


def test_ids_are_places_of_first_appearance():
    tokenizer = gpt.Tokenizer(["b a b", "c a"])
    assert tokenizer.vocab == ("b", "a", "c")
    assert tokenizer.encode("c b a") == [2, 0, 1]
    assert tokenizer.decode([2, 0, 1]) == "c b a"


def test_an_unknown_word_is_named(tokenizer):
    with pytest.raises(ValueError, match="'moon'"):
        tokenizer.encode("the spider made this moon")


def test_trace_is_the_forward_pass(model, trace, tokenizer):
    recorded = forward(model, tokenizer.encode(trace.sentence))
    assert np.array_equal(trace.attention, recorded.attention.squeeze(1).numpy())
    for level, vectors in enumerate(recorded.residual):
        assert np.array_equal(trace.residual[level], vectors[0].numpy())
        normed = F.layer_norm(vectors[0], (20,), model.ln_f.weight, model.ln_f.bias).detach()
        assert np.allclose(trace.normed[level], normed.numpy(), rtol=0, atol=1e-12)
        assert np.allclose(trace.lens[level], (normed @ model.embedding.weight.T).detach(), rtol=0, atol=1e-12)
    assert np.array_equal(trace.normed[-1], recorded.normed[0].detach().numpy())
    assert np.array_equal(trace.lens[-1], recorded.logits[0].detach().numpy())
    for l, inside in enumerate(recorded.inside):
        for name, tensor in inside.items():
            assert np.array_equal(getattr(trace, name)[l], tensor[0].numpy()), name
    embedded = trace.embedding[tokenizer.encode(trace.sentence)]
    assert np.array_equal(trace.residual[0], embedded + trace.position)
    assert sum(trace.probability(token) for token in trace.vocab) == pytest.approx(1)
    assert trace.prediction == max(trace.vocab, key=trace.probability)
    assert [field.name for field in dataclasses.fields(trace) if getattr(trace, field.name) is None] == ["unembed"]


def test_the_stream_is_a_sum(model, trace, tokenizer):
    """Every vector of it is what entered plus all that was written; a write of attention is its heads' and a bias."""
    for l in range(2):
        written = trace.attention_write[:l].sum(0) + trace.mlp_write[:l].sum(0)
        assert np.allclose(trace.residual[l], trace.residual[0] + written, rtol=0, atol=1e-12)
        bias = model.blocks[l].attention.project.bias.detach().numpy()
        assert np.allclose(trace.attention_write[l], trace.head_write[l].sum(0) + bias, rtol=0, atol=1e-12)
        assert np.allclose(trace.middle[l], trace.residual[l] + trace.attention_write[l], rtol=0, atol=1e-12)
    everything = trace.attention_write.sum(0) + trace.mlp_write.sum(0)
    embedded = trace.embedding[tokenizer.encode(trace.sentence)] + trace.position
    assert np.allclose(trace.residual[-1], embedded + everything, rtol=0, atol=1e-12)


def test_size(model):
    assert 10_000 < sum(weight.numel() for weight in model.parameters()) < 11_000
    assert {weight.dtype for weight in model.parameters()} == {torch.float64}


def test_corpus(corpus, held_out):
    """Four linked pairs in five patterns; the held-out link occurs in all patterns but one."""
    from scenes.pairs import ANIMALS, HOMES

    pairs = list(zip(ANIMALS, HOMES, strict=True))
    patterns = {
        s.replace(a, "A").replace(h, "H") for s in corpus for a, h in pairs if a in s.split() and h in s.split()
    }
    every = {pattern.replace("A", a).replace("H", h) for pattern in patterns for a, h in pairs}
    assert len(patterns) == 5
    assert every - set(corpus) == {held_out}
    assert len(set(corpus)) == len(corpus) == 19


@pytest.mark.slow
def test_importing_acts_on_nothing():
    """`gpt` holds definitions only, and importing it writes nothing anywhere and trains nothing."""
    tree = ast.parse((ROOT / "gpt.py").read_text("utf-8"))
    allowed = ast.Import | ast.ImportFrom | ast.ClassDef | ast.FunctionDef | ast.Assign
    runpy, guard, *body = tree.body[1:]
    assert ast.unparse(runpy) == "import runpy"
    assert all(isinstance(node, allowed) for node in body)
    assert not any(
        isinstance(node, ast.Call) for child in body if isinstance(child, ast.Assign) for node in ast.walk(child)
    )
    assert ast.unparse(guard).startswith("if __name__ == '__main__':")
    (known,) = imported(["gpt"])  # and says nothing
    assert {"pyvista", "scenes", "article"}.isdisjoint(known)


def imported(modules: list[str]) -> list[set[str]]:
    """What Python knows of when it has imported the first module, when the second one, too, and so on."""
    code = "".join(f"import {module}, sys; print(*sys.modules); " for module in modules)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    *known, end = done.stdout.split("\n")
    assert end == ""
    assert len(known) == len(modules)
    return [set(names.split()) for names in known]
