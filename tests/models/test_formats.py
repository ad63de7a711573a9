"""Models from elsewhere: they compute what their own programs compute, and what cannot be used is refused by name."""

import dataclasses
import json
import os
import subprocess
import sys
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import gpt
from article.models import loading, prompts, tokenizers
from article.models.formats import gpt2
from article.models.formats.layout import Layout, renamed
from scenes.analysis import stages as stages_
from tests.conftest import ROOT
from tests.models.checkpoints import (
    BPE,
    NEAR,
    SIZES,
    TEXT,
    answers_alike,
    asked,
    drawn,
    library,
    nano_weights,
    nanogpt,
    reconfigure,
    rewrite,
    save_family,
    save_nano,
    save_own,
    weights_of,
)

# --- They compute the same ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("prefix", ["", "_orig_mod."])
@pytest.mark.parametrize("masks", [False, True])
def test_nanogpt(tmp_path, bias, prefix, masks):
    sizes = SIZES | {"n_layer": 3, "n_head": 4, "n_embd": 16}
    weights = nano_weights(sizes, bias, prefix)
    mask = {f"{prefix}transformer.h.0.attn.bias": torch.ones(16, 16).tril()[None, None]} if masks else {}
    run = loading.open_model(save_nano(tmp_path, weights | mask, **sizes, bias=bias))
    ids = torch.tensor(run.tokenizer.encode("a dog sat"))
    plainly = {name.removeprefix(prefix): weight for name, weight in weights.items()}
    expected = nanogpt(plainly, ids, 3, 4)
    logits = run.model(ids[None]).logits[0]
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, expected, **NEAR)
    assert run.config == gpt.Config(28, 16, 16, 3, 4, "gelu", bias)
    assert run.origin == "a nanoGPT checkpoint"
    assert run.notes == (() if bias else ("The checkpoint has no biases; here they are zeros.",))
    assert run.corpus == ()


@pytest.mark.slow
@pytest.mark.parametrize("shape", [{}, {"n_layer": 3, "n_head": 4, "n_embd": 20, "n_positions": 9}, {"n_head": 1}])
@pytest.mark.parametrize("shards", [{}, {"max_shard_size": "6KB"}])
def test_family(tmp_path, shape, shards):
    theirs = save_family(tmp_path, **shape, **shards)
    assert len(list(tmp_path.glob("*.safetensors"))) > 1 if shards else (tmp_path / "model.safetensors").is_file()
    assert (answers_alike(tmp_path, theirs).origin, answers_alike(tmp_path, theirs).notes) == (gpt2.FAMILY, ())


DIVIDED = (
    "The checkpoint does not divide scores by the root of a head's size; here its queries are multiplied by that, "
    "which comes to the same."
)
BY_BLOCK = "The checkpoint divides the scores of block n by n; here its queries are, which comes to the same."
VARIANTS: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"n_inner": 12}, ()),
    ({"layer_norm_epsilon": 1e-2}, ()),
    ({"tie_word_embeddings": False}, ()),
    ({"scale_attn_weights": False}, (DIVIDED,)),
    ({"scale_attn_by_inverse_layer_idx": True, "n_layer": 3}, (BY_BLOCK,)),
    *(({"activation_function": name}, ()) for name in gpt2.ACTIVATIONS),
]


@pytest.mark.parametrize(("options", "notes"), VARIANTS, ids=[str(options) for options, _ in VARIANTS])
def test_what_a_family_may_vary(tmp_path, options, notes):
    run = answers_alike(tmp_path, save_family(tmp_path, **options))
    assert run.notes == notes
    trace = gpt.trace(run.model, run.tokenizer, "the dog")
    stages = {stage.id: stage for stage in stages_.stages(trace)}
    assert stages["block-1-up"].title.startswith("Hidden units before ")
    assert ("unembed" in stages) == (not run.config.tied) == ("unembedding" in stages["logits"].why)
    assert stages["block-1-up"].shape.startswith("(T, M) = ")


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": ..., "n_positions": ..., "n_ctx": 16},
        {"model_type": None, "architectures": None, "layer_norm_epsilon": None, "tie_word_embeddings": None},
        {
            "n_embd": ...,
            "hidden_size": 8,
            "n_layer": ...,
            "num_hidden_layers": 2,
            "n_head": ...,
            "num_attention_heads": 2,
        },
    ],
)
def test_configurations_of_other_versions(family, change):
    """Sizes by other names, null for what is not said, no family."""
    before = loading.open_model(family)
    reconfigure(family, change)
    after = loading.open_model(family)
    assert after.config == before.config
    assert gpt.fingerprint(after.model) == gpt.fingerprint(before.model)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("parts", [1, 3])
def test_weights_in_a_pickle(tmp_path, old, parts):
    """As the library saved them before it had safetensors, and as PyTorch did before version 1.6."""
    theirs = save_family(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    whole = list(theirs.state_dict().items())
    files = (
        [f"pytorch_model-{n + 1:05}-of-{parts:05}.bin" for n in range(parts)] if parts > 1 else ["pytorch_model.bin"]
    )
    for n, file in enumerate(files):
        torch.save(OrderedDict(whole[n::parts]), tmp_path / file, _use_new_zipfile_serialization=not old)
    if parts > 1:
        places = {name: files[n % parts] for n, (name, _) in enumerate(whole)}
        (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": places}))
    assert answers_alike(tmp_path, theirs).notes == ()


WRAPS = [
    "module.",
    "_orig_mod.",
    "_orig_mod.module.",
    "module._orig_mod.",
    "pretrained_model.",
    "model.",
    "base_model.model.",
]


@pytest.mark.parametrize("prefix", WRAPS)
def test_names_that_are_wrapped(family, nano, prefix):
    before, also = weights_of(family), weights_of(nano)

    def change(weights: dict[str, Tensor]) -> None:
        whole = {f"{prefix}{name}": weight for name, weight in weights.items()}
        weights.clear()
        weights |= whole

    rewrite(family, change)
    save_nano(nano.parent, nano_weights(prefix=prefix))
    assert (weights_of(family), weights_of(nano)) == (before, also)


@pytest.mark.parametrize("name", ["v_head.summary.weight", "score.weight", "multiple_choice_head.summary.bias"])
def test_heads_for_other_tasks_are_left_aside(family, name):
    before = weights_of(family)
    rewrite(family, lambda weights: weights.update({name: torch.ones(2, 8)}))
    run = loading.open_model(family)
    assert gpt.fingerprint(run.model) == before
    assert run.notes == (f"The checkpoint has weights for other tasks, which are left aside: {name!r}.",)


def test_an_unembedding_of_its_own_is_used(family, nano):
    """Whatever is said of it, as the library transformers does."""
    note = "The checkpoint has an unembedding that is not its embedding; it is used."
    rewrite(family, lambda weights: weights.update({"lm_head.weight": drawn({"": (len(BPE.vocab), 8)}, 7)[""]}))
    theirs = library().GPT2LMHeadModel.from_pretrained(family).eval()
    assert answers_alike(family, theirs).notes == (note,)
    weights = nano_weights() | {"lm_head.weight": drawn({"": (28, 8)}, 7)[""]}
    run = loading.open_model(save_nano(nano.parent, weights))
    ids = torch.tensor(run.tokenizer.encode("a dog"))
    torch.testing.assert_close(run.model(ids[None]).logits[0], nanogpt(weights, ids, 2, 2), **NEAR)
    assert run.notes == (note,)


def test_a_nanogpt_that_says_nothing_of_biases(tmp_path):
    """Its first versions had them, and GELU by tanh; so has build-nanogpt, whose configuration is an object."""

    class GPTConfig:
        def __init__(self, **sizes: object) -> None:
            vars(self).update(sizes)

    module = sys.modules[GPTConfig.__module__]
    GPTConfig.__qualname__ = "GPTConfig"
    sizes = {name: size for name, size in SIZES.items() if name != "dropout"}
    save_nano(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "GPTConfig", GPTConfig, raising=False)
        for more in ({"model_args": sizes}, {"config": GPTConfig(**sizes), "step": 3}):
            torch.save({"model": nano_weights(), **more}, tmp_path / "ckpt.pt")
            run = loading.open_model(tmp_path / "ckpt.pt")
            assert run.config == gpt.Config(28, 16, 8, 2, 2, "gelu_tanh", biases=True)
            assert run.notes == ()


def test_names_without_the_prefix_and_with_masks(family):
    """As OpenAI's own GPT-2 is kept; and an unembedding that is the embedding may be there."""
    before = loading.open_model(family)

    def change(weights: dict[str, Tensor]) -> None:
        whole = {name.removeprefix("transformer."): weight for name, weight in weights.items()}
        weights.clear()
        weights |= whole | {"lm_head.weight": whole["wte.weight"].clone()}
        weights["h.0.attn.bias"] = torch.ones(1, 1, 16, 16, dtype=torch.uint8).tril()
        weights["h.1.attn.masked_bias"] = torch.tensor(-1e4)

    rewrite(family, change)
    assert gpt.fingerprint(loading.open_model(family).model) == gpt.fingerprint(before.model)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_raised(family, nano, dtype):
    def change(weights: dict[str, Tensor]) -> None:
        weights |= {name: weight.to(dtype) for name, weight in weights.items()}

    rewrite(family, change)
    save_nano(nano.parent, {name: weight.to(dtype) for name, weight in nano_weights().items()})
    for run, name in (
        (loading.open_model(family), "blocks.1.mlp.down.bias"),
        (loading.open_model(nano), "blocks.1.attention.key.bias"),
    ):
        weight = run.model.get_parameter(name)
        assert weight.dtype == torch.float32
        assert torch.equal(weight, weight.to(dtype).float())
        kind = str(dtype).removeprefix("torch.")
        assert run.notes == (f"The checkpoint has weights in {kind}; here all are computed with in float32.",)


def test_doubles_stay_doubles(nano):
    save_nano(nano.parent, {name: weight.double() for name, weight in nano_weights().items()})
    assert {weight.dtype for weight in loading.open_model(nano).model.parameters()} == {torch.float64}


def test_a_run_of_ours(tmp_path):
    run = save_own(tmp_path)
    again = loading.open_model(tmp_path)
    assert gpt.fingerprint(again.model) == gpt.fingerprint(run.model)
    assert (again.config, again.tokenizer.vocab) == (run.config, run.tokenizer.vocab)
    assert (again.origin, again.notes) == ("a run of gpt.py", ())


def test_weights_stay_in_their_file(nano, family):
    """Nothing is copied: all parameters that have the file's precision lie where it is mapped."""
    for path in (nano, family):
        model = loading.open_model(path).model
        last = model.get_parameter("blocks.1.attention.value.weight")
        first = model.get_parameter("blocks.1.attention.query.weight")
        assert last.untyped_storage().data_ptr() == first.untyped_storage().data_ptr()


def test_training_is_told_of_no_other_model(nano, capsys):
    status, out, err = asked(capsys, "explain", "a", "--training", "--checkpoint", nano)
    assert (status, out) == (2, "")
    assert "it is not known what the model was trained on" in err


# --- The commands -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_commands_ask_it(nano, family, capsys, tmp_path):
    for path, prompt in ((nano, "the dog"), (family, "the dog")):
        run = loading.open_model(path)
        trace = gpt.trace(run.model, run.tokenizer, prompt)
        status, out, err = asked(capsys, "generate", prompt, "--checkpoint", path, "--tokens", 1, "--temperature", 0)
        assert (status, err) == (0, "")
        assert out.endswith(run.tokenizer.decode([*run.tokenizer.encode(prompt), trace.id(trace.prediction)]) + "\n")
        status, out, _ = asked(capsys, "explain", prompt, "--checkpoint", path)
        assert status == 0
        assert trace.prediction in out
        status, out, _ = asked(capsys, "trace", prompt, "--checkpoint", path, "--out", tmp_path / "new.npz")
        assert status == 0
        kept = np.load(tmp_path / "new.npz")
        assert np.array_equal(kept["lens"], trace.lens)
        assert kept["lens"].dtype == np.float32
        status, out, _ = asked(capsys, "flow", prompt, "--checkpoint", path, "--out", tmp_path / "flow")
        assert status == 0
        assert json.loads((tmp_path / "flow" / "flow.json").read_text("utf-8"))["weights"] == trace.weights


def test_notes_are_told(nano, capsys, tmp_path):
    save_nano(nano.parent, nano_weights(bias=False), bias=False)
    note = "The checkpoint has no biases; here they are zeros.\n"
    for command in (["generate", "a"], ["explain", "a"], ["trace", "a", "--out", tmp_path / "new.npz"]):
        assert note in asked(capsys, *command, "--checkpoint", nano)[1]
    assert note not in asked(capsys, "generate", "a", "--quiet", "--checkpoint", nano)[1]
    assert note in asked(capsys, "flow", "a", "--out", tmp_path / "flow", "--checkpoint", nano)[1]


def test_what_is_told_is_true_of_biases_and_gelu(family, capsys):
    """The write of attention is that of its heads and a bias, and the hidden units are named after what is done."""
    status, out, _ = asked(capsys, "explain", "the", "--checkpoint", family)
    assert status == 0
    assert "Hidden units before GELU (approximated by tanh)" in out
    assert "The text is cut into tokens" in out
    run = loading.open_model(family)
    trace = gpt.trace(run.model, run.tokenizer, "the dog")
    bias = run.model.get_parameter("blocks.0.attention.project.bias").detach().numpy()
    rest = trace.attention_write[0] - trace.head_write[0].sum(0)
    assert rest == pytest.approx(np.broadcast_to(bias, rest.shape), abs=1e-4)
    first = next(stage for stage in stages_.stages(trace) if stage.id == "ids")
    assert "cut at its spaces" not in first.why
    assert first.code == ()  # which is that of another tokenizer


@pytest.mark.slow
def test_verify(nano, family, capsys, tmp_path):
    """A scene of another model reads back; of a model that it does not show, it does not."""
    from scenes import forward
    from scenes.export.glb import to_glb

    run, file = loading.open_model(nano), tmp_path / "forward.glb"
    file.write_bytes(to_glb(forward.build(gpt.trace(run.model, run.tokenizer, "the dog"))))
    status, out, err = asked(capsys, "verify", file, "--checkpoint", nano)
    assert (status, err) == (0, "")
    assert "numbers agree" in out
    assert asked(capsys, "verify", file, "--checkpoint", family)[0] == 1


def test_a_flow_with_too_many_numbers_says_what_is_left_out(nano, capsys, monkeypatch, tmp_path):
    run, prompt = loading.open_model(nano), "the dog sat"
    trace = gpt.trace(run.model, run.tokenizer, prompt)
    stages, whole = stages_.stages(trace), sum(stage.values.size for stage in stages_.stages(trace))
    assert stages_.kept(stages) == {stage.id for stage in stages}
    monkeypatch.setattr(stages_, "MOST", whole // 3)
    kept = stages_.kept(stages)
    assert 3 < len(kept) < len(stages)
    assert sum(stage.values.size for stage in stages if stage.id in kept) <= whole // 3
    assert max(stage.values.size for stage in stages if stage.id in kept) < min(
        stage.values.size for stage in stages if stage.id not in kept
    )
    assert asked(capsys, "flow", prompt, "--checkpoint", nano, "--out", tmp_path / "flow")[0] == 0
    page = (tmp_path / "flow" / "index.html").read_text("utf-8")
    assert f"{len(stages) - len(kept)} of the {len(stages)} stages have so many numbers" in page
    assert "very number" not in page
    assert {file.stem for file in (tmp_path / "flow" / "flow").iterdir()} == kept
    for stage in json.loads((tmp_path / "flow" / "flow.json").read_text("utf-8"))["stages"]:
        assert (stage["values"] is not None) == (stage["id"] in kept)
        section = page.split(f'<section id="{stage["id"]}">')[1].split("</section>")[0]
        assert ("<table" in section or ".csv" in section) == (stage["id"] in kept)
        assert ("too many for this page" in section) == (stage["id"] not in kept)


def test_a_pass_that_would_fill_the_memory_is_refused(nano, capsys, monkeypatch, tmp_path):
    run = loading.open_model(nano)
    prompt = prompts.read(run, "the dog", cut=False)
    trace = prompts.traced(run, prompt)
    n = sum(value.size for value in vars(trace).values() if isinstance(value, np.ndarray))
    assert n == prompts.numbers(run.config, 7)
    monkeypatch.setattr(prompts, "MOST", n - 1)
    for command in (["explain"], ["trace", "--out", tmp_path / "new.npz"], ["flow", "--out", tmp_path / "flow"]):
        status, out, err = asked(capsys, *command, "the dog", "--checkpoint", nano)
        assert (status, out) == (2, "")
        assert err.startswith(f"gpt.py: the pass of 7 tokens through this model has {n:,} numbers")
        assert err.endswith("; give a shorter prompt.\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ckpt.pt", "meta.pkl"]


@pytest.mark.slow
@pytest.mark.skipif("VITRINE_NIGHTLY" not in os.environ, reason="makes a gigabyte of files")
def test_the_size_of_gpt2(tmp_path):
    """All commands stay below 2 GiB, and what they write below some tens of megabytes."""
    transformers = library()
    whole = json.loads(tokenizers.files(tokenizers.train_bpe(TEXT, 256 + 9))["tokenizer.json"])
    vocab, letters = whole["model"]["vocab"], "abcdefghijklmnopqrstuvwxyz"
    for word in (a + b + c + d for a in letters for b in letters for c in letters for d in letters):
        vocab.setdefault(f"Ġ{word}", len(vocab))
        if len(vocab) == 50257:
            break
    transformers.GPT2LMHeadModel(transformers.GPT2Config()).save_pretrained(tmp_path / "gpt2")
    (tmp_path / "gpt2" / "tokenizer.json").write_text(json.dumps(whole))
    prompt = "the cat sat on " * 100
    code = "import resource, sys; from article.__main__ import main; status = main(sys.argv[1:])\n"
    code += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(status)"
    pieces = tokenizers.load(json.dumps(whole).encode())
    prompt = prompt[: max(n for n in range(len(prompt)) if len(pieces.encode(prompt[:n])) <= 64)]
    for command in (
        ["generate", "--tokens", "3"],
        ["explain"],
        ["trace", "--out", "new.npz"],
        ["flow", "--out", "flow"],
        ["site", "--out", "site"],
    ):
        arguments = [command[0], prompt, "--checkpoint", "gpt2", *command[1:]]
        if command[0] == "site":
            arguments = ["--checkpoint", "gpt2", "--prompt", prompt, *command[1:]]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert int(done.stderr.split()[-1]) * 1024 < 2 << 30, command
    assert sum(file.stat().st_size for file in (tmp_path / "flow").rglob("*") if file.is_file()) < 40e6


def test_what_the_layouts_are():
    """A part of a block that is renamed here by mistake would be missing there."""
    names = {name for name, _ in gpt.GPT(gpt.Config(4, biases=True)).named_parameters()}
    config = gpt.Config(4, biases=True)
    layout = Layout(turned=False, biased=True)
    sizes = {"n_layer": 2, "n_embd": 20, "block_size": 8, "vocab_size": 4}
    theirs = {name.removeprefix("transformer."): weight for name, weight in nano_weights(sizes).items()}
    assert set(renamed(theirs, config, layout)) == names
    assert dataclasses.replace(config, biases=False) != config
