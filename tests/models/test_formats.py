"""Models from elsewhere: they compute what their own programs compute, and what cannot be used is refused by name."""

import dataclasses
import datetime
import importlib
import io
import json
import os
import pickle  # noqa: TID251 - to write what is refused
import shutil
import subprocess
import sys
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import tiktoken.registry
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

import gpt
from article import __main__
from article.errors import RefusalError
from article.models import loading, prompts, tokenizers
from article.models.formats import gpt2, torch_file
from article.models.formats.layout import Layout, renamed
from article.models.formats.run import run_files
from article.models.model import OpenedModel
from article.models.settings import Settings
from scenes.analysis import stages as stages_
from scenes.analysis.decomposition import Decomposition
from tests.conftest import ROOT
from tests.models.test_tokenizers import own_encoding

LETTERS = "zyx abcdefghijklmnopqrstuvw\n"  # not in the order of their code points
TEXT = "the cat sat on the mat, and the dog sat on the log; " * 3
BPE = tokenizers.train_bpe(TEXT, 270)
SIZES: dict[str, Any] = {"n_layer": 2, "n_head": 2, "n_embd": 8, "block_size": 16, "vocab_size": 28, "dropout": 0.1}
NEAR: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-4}


# --- Checkpoints to ask -------------------------------------------------------------------------------------------


def drawn(shapes: Mapping[str, tuple[int, ...]], seed: int = 1) -> dict[str, Tensor]:
    """Random weights, large enough that attention is uneven."""
    random = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=random) * 0.6 for name, shape in shapes.items()}


def nano_shapes(sizes: Mapping[str, Any] = SIZES, bias: bool = True) -> dict[str, tuple[int, ...]]:
    """The shapes of a nanoGPT model's weights."""
    V, C, D = sizes["vocab_size"], sizes["block_size"], sizes["n_embd"]
    shapes: dict[str, tuple[int, ...]] = {"transformer.wte.weight": (V, D), "transformer.wpe.weight": (C, D)}
    for l in range(sizes["n_layer"]):
        parts: dict[str, tuple[int, ...]] = {"ln_1": (D,), "attn.c_attn": (3 * D, D), "attn.c_proj": (D, D)}
        parts |= {"ln_2": (D,), "mlp.c_fc": (4 * D, D), "mlp.c_proj": (D, 4 * D)}
        for name, shape in parts.items():
            shapes[f"transformer.h.{l}.{name}.weight"] = shape
            shapes |= {f"transformer.h.{l}.{name}.bias": shape[:1]} if bias else {}
    shapes["transformer.ln_f.weight"] = (D,)
    return shapes | ({"transformer.ln_f.bias": (D,)} if bias else {})


def nano_weights(sizes: Mapping[str, Any] = SIZES, bias: bool = True, prefix: str = "") -> dict[str, Tensor]:
    """The state dict of a nanoGPT model."""
    weights = drawn(nano_shapes(sizes, bias))
    weights["lm_head.weight"] = weights["transformer.wte.weight"]
    return {f"{prefix}{name}": weight for name, weight in weights.items()}


def nanogpt(weights: Mapping[str, Tensor], ids: Tensor, n_layer: int, n_head: int) -> Tensor:
    """The forward pass of nanoGPT in our words: ids (T,) to logits (T, V)."""

    def of(name: str) -> tuple[Tensor, Tensor | None]:
        return weights[f"transformer.{name}.weight"], weights.get(f"transformer.{name}.bias")

    def normed(x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], *of(name), 1e-5)

    T = len(ids)
    x = weights["transformer.wte.weight"][ids] + weights["transformer.wpe.weight"][:T]
    for l in range(n_layer):
        whole = F.linear(normed(x, f"h.{l}.ln_1"), *of(f"h.{l}.attn.c_attn"))
        q, k, v = (part.view(T, n_head, -1).transpose(0, 1) for part in whole.split(x.shape[-1], dim=-1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + F.linear(y.transpose(0, 1).reshape(T, -1), *of(f"h.{l}.attn.c_proj"))
        up = F.gelu(F.linear(normed(x, f"h.{l}.ln_2"), *of(f"h.{l}.mlp.c_fc")))
        x = x + F.linear(up, *of(f"h.{l}.mlp.c_proj"))
    return normed(x, "ln_f") @ weights["lm_head.weight"].T


def save_nano(folder: Path, weights: Mapping[str, object] | None = None, **sizes: object) -> Path:
    """Writes a ckpt.pt as nanoGPT does, with a meta.pkl beside it."""
    chosen = SIZES | {"bias": True} | sizes
    optimizer = {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 0.1}]}
    content = {"model": nano_weights() if weights is None else dict(weights), "model_args": chosen}
    content |= {"optimizer": optimizer, "iter_num": 5, "best_val_loss": torch.tensor(2.5), "config": {"out": "a"}}
    torch.save(content, folder / "ckpt.pt")
    meta = {"vocab_size": len(LETTERS), "itos": dict(enumerate(LETTERS))}
    meta["stoi"] = {letter: id for id, letter in enumerate(LETTERS)}
    (folder / "meta.pkl").write_bytes(pickle.dumps(meta))
    return folder / "ckpt.pt"


def library() -> Any:
    """The library transformers, which takes the type checker a minute."""
    return importlib.import_module("transformers")


def save_family(folder: Path, seed: int = 1, **options: Any) -> Any:
    """Writes a model of the GPT-2 family by the library transformers, which is returned."""
    transformers = library()
    transformers.utils.logging.disable_progress_bar()
    sizes: dict[str, Any] = {"n_layer": 2, "n_head": 2, "n_embd": 8, "n_positions": 16, "vocab_size": len(BPE.vocab)}
    sizes |= {"bos_token_id": 0, "eos_token_id": 0}  # those of GPT-2 are beyond this vocabulary, and it would warn
    shard = {name: options.pop(name) for name in ("max_shard_size",) if name in options}
    theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes | options)).eval()
    for weight, values in zip(theirs.parameters(), drawn(dict(enumerated(theirs)), seed).values(), strict=True):
        weight.data = values
    theirs.save_pretrained(folder, **shard)
    (folder / "tokenizer.json").write_bytes(tokenizers.files(BPE)["tokenizer.json"])
    return theirs


def enumerated(model: Any) -> list[tuple[str, tuple[int, ...]]]:
    return [(name, tuple(weight.shape)) for name, weight in model.named_parameters()]


def save_own(folder: Path) -> OpenedModel:
    """Writes a run of gpt.py."""
    settings = Settings(n_context=8, n_embd=6, n_layer=2, n_head=2)
    tokenizer = gpt.Tokenizer(["a b c d e f g"])
    model = gpt.GPT(settings.config(len(tokenizer.vocab))).double()
    for name, data in run_files(settings, tokenizer, model.state_dict()).items():
        (folder / name).write_bytes(data)
    return OpenedModel(model.config, tokenizer, model, ())


def asked(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """The exit status of a command, and what it prints."""
    status = __main__.main([str(argument) for argument in arguments])
    done = capsys.readouterr()
    return status, done.out, done.err


@pytest.fixture
def nano(tmp_path: Path) -> Path:
    return save_nano(tmp_path)


@pytest.fixture(scope="module")
def saved_family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("family")
    save_family(folder)
    return folder


@pytest.fixture
def family(saved_family: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    shutil.copytree(saved_family, tmp_path / "family")
    return tmp_path / "family"


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


def answers_alike(folder: Path, theirs: Any, text: str = "the dog sat") -> OpenedModel:
    """The model of a folder, which gives the logits that the library transformers gives, and traces them."""
    run = loading.open_model(folder)
    ids = torch.tensor([run.tokenizer.encode(text)])
    with torch.no_grad():
        expected = theirs(ids).logits[..., : run.config.n_vocab]
    torch.testing.assert_close(run.model(ids).logits.detach(), expected, **NEAR)
    trace = gpt.trace(run.model, run.tokenizer, text)
    assert np.allclose(trace.lens[-1], expected[0], **NEAR)
    taken_apart = Decomposition(trace)
    assert np.allclose(taken_apart.scaled + trace.bias, trace.normed[-1], rtol=1e-3, atol=1e-3)
    assert np.allclose(taken_apart.share.sum(0), trace.lens[-1, -1], rtol=1e-3, atol=1e-3)
    assert np.allclose(taken_apart.agreement.sum(-1), trace.lens[-1, -1][taken_apart.ranking], rtol=1e-3, atol=1e-3)
    assert sum(value.size for value in vars(trace).values() if isinstance(value, np.ndarray)) == prompts.numbers(
        run.config, len(trace.tokens)
    )
    return run


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


def reconfigure(folder: Path, change: Mapping[str, object]) -> None:
    """Changes what a config.json says; what is to be Ellipsis is not said."""
    file = folder / "config.json"
    said = json.loads(file.read_text("utf-8")) | change
    file.write_text(json.dumps({name: value for name, value in said.items() if value is not ...}))


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


def weights_of(path: Path) -> str:
    """The SHA-256 of the weights that a checkpoint has now."""
    return gpt.fingerprint(loading.open_model(path).model)


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


def rewrite(folder: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    """Changes the weights of a folder."""
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


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


# --- Their tokenizers ---------------------------------------------------------------------------------------------


def test_characters_keep_their_ids(nano):
    run = loading.open_model(nano)
    assert run.tokenizer.encode("za\n") == [0, 4, 27]
    assert run.tokenizer.decode([0, 4, 27]) == "za\n"
    again = tokenizers.load(tokenizers.files(run.tokenizer)["tokenizer.json"])
    assert again.encode(LETTERS) == list(range(28))


def test_any_tokenizer_can_be_named(nano, family, monkeypatch, tmp_path):
    """For a file by its name, for a folder instead of its own; it is kept in a file like any other."""
    monkeypatch.setitem(tiktoken.registry.ENCODINGS, "own", own_encoding())
    encoding = tokenizers.encoding_of("own")
    sizes = SIZES | {"vocab_size": len(encoding.vocab)}
    save_nano(nano.parent, nano_weights(sizes), **sizes)
    assert loading.open_model(nano, "tiktoken:own").tokenizer.vocab == encoding.vocab
    other = tmp_path / "other.json"
    (family / "tokenizer.json").rename(other)
    with pytest.raises(RefusalError, match=r"has no tokenizer.json, and no vocab.json; name a tokenizer"):
        loading.open_model(family)
    assert loading.open_model(family, str(other)).tokenizer.vocab == BPE.vocab


@pytest.mark.parametrize("kind", ["bpe", "characters", "words", "tiktoken"])
def test_padding_is_named_and_never_encoded(tmp_path, monkeypatch, kind):
    """Where nanoGPT rounds a vocabulary up to a multiple of 64, the rest has no text."""
    monkeypatch.setitem(tiktoken.registry.ENCODINGS, "own", own_encoding())
    made: dict[str, Callable[[], gpt.Tokenizer]] = {
        "bpe": lambda: BPE,
        "characters": lambda: tokenizers.Characters(LETTERS),
        "words": lambda: gpt.Tokenizer([TEXT]),
        "tiktoken": lambda: tokenizers.encoding_of("own"),
    }
    inner, text = made[kind](), "the dog sat on the mat,"
    text = "the dog" if kind == "characters" else text
    file = tmp_path / "tokenizer.json"
    file.write_bytes(tokenizers.files(inner)["tokenizer.json"])
    n, V = len(inner.vocab), -(-len(inner.vocab) // 64) * 64
    sizes = SIZES | {"vocab_size": V, "block_size": 32}
    run = loading.open_model(save_nano(tmp_path, nano_weights(sizes), **sizes), str(file))
    assert run.tokenizer.vocab == (*inner.vocab, *(f"<unused-{id}>" for id in range(n, V)))
    assert run.notes == (
        f"The model has more tokens than its tokenizer: <unused-{n}> to <unused-{V - 1}>, which no text has.",
    )
    ids = inner.encode(text)
    for tokenizer in (run.tokenizer, tokenizers.load(tokenizers.files(run.tokenizer)["tokenizer.json"])):
        assert tokenizer.encode(text) == ids
        assert tokenizer.decode(ids) == text
        between = " " if kind == "words" else ""
        assert tokenizer.decode([*ids, n, V - 1, *ids]) == between.join(
            [text, f"<unused-{n}>", f"<unused-{V - 1}>", text]
        )
    assert {*inner.encode(text)} <= set(range(n))
    sizes["vocab_size"] = wrong = 2 * n + 1025
    save_nano(tmp_path, nano_weights(sizes), **sizes)
    with pytest.raises(RefusalError, match=f"has {wrong} tokens, and its tokenizer {n}; name the one"):
        loading.open_model(tmp_path / "ckpt.pt", str(file))


@pytest.mark.parametrize(
    ("n_vocab", "note"),
    [
        (269, f"The tokenizer has more tokens than its model: {BPE.vocab[-1]}, which no prompt may have."),
        (267, f"The tokenizer has more tokens than its model: dog to {BPE.vocab[-1]}, which no prompt may have."),
        (271, "The model has more tokens than its tokenizer: <unused-270>, which no text has."),
        (384, "The model has more tokens than its tokenizer: <unused-270> to <unused-383>, which no text has."),
    ],
)
def test_embeddings_of_any_size(tmp_path, n_vocab, note):
    """As after a token was added to a tokenizer, or to a model; a text with a token that has no vector is refused."""
    run = answers_alike(tmp_path, save_family(tmp_path, vocab_size=n_vocab), "the")
    assert run.notes == (note,)
    assert len(run.tokenizer.vocab) == n_vocab
    assert tokenizers.load(tokenizers.files(run.tokenizer)["tokenizer.json"]).vocab == run.tokenizer.vocab
    last = BPE.decode([269])
    if n_vocab > 269:
        assert run.tokenizer.encode(last) == [269]
        return
    with pytest.raises(RefusalError, match="the model has no vector for the token"):
        prompts.read(run, last, cut=False)


TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "!", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"!": {"id": "!", "ids": [0], "tokens": ["!"]}},
}


def test_a_model_reads_what_its_own_tokenizer_gives(tmp_path):
    """With what that puts around a text; a text that is trained on gets nothing around it."""
    save_family(tmp_path)
    file = tmp_path / "tokenizer.json"
    state = json.loads(file.read_text("utf-8")) | {"post_processor": TEMPLATE}
    file.write_text(json.dumps(state))
    run = loading.open_model(tmp_path)
    plain = BPE.encode("the dog")
    assert (
        run.tokenizer.encode("the dog")
        == [0, *plain]
        == library().AutoTokenizer.from_pretrained(tmp_path)("the dog").input_ids
    )
    assert prompts.read(run, "the dog", cut=False).ids == (0, *plain)
    assert tokenizers.load(file.read_bytes()).encode("the dog") == plain


TEN = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 10}
SLOW = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "expansion": (
        {"normalizer": {"type": "Sequence", "normalizers": [TEN] * 12}},
        "takes more time or memory than it may",
    ),
    "regex": ({"pre_tokenizer": SLOW}, "the tokenizer has no piece for some of the text (Onig: Regex search error"),
    "decoder": ({"decoder": {"type": "Sequence", "decoders": [TEN] * 12}}, "takes more time or memory than it may"),
    "template": (
        {"post_processor": TEMPLATE | {"single": [TEMPLATE["single"][0]] * 1025 + [TEMPLATE["single"][1]]}},
        "it puts 1,025 tokens around a text",
    ),
}


@pytest.mark.skipif("sys.platform != 'linux'", reason="only Linux holds a process to its limits")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_tokenizer_takes_no_more_than_it_may(tmp_path, capfd, name):
    """One sentence, without what a library says of its troubles."""
    save_family(tmp_path, n_positions=64)
    change, says = HOSTILE[name]
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | change))
    status = __main__.main(["generate", "a" * 40 + "!", "--tokens", "1", "--quiet", "--checkpoint", str(tmp_path)])
    out, err = capfd.readouterr()
    assert (status, out) == (2, ""), err
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("added", [False, True])
def test_a_tokenizer_of_two_files(tmp_path, added):
    """vocab.json and merges.txt, as before there was a tokenizer.json; and a token that was added later."""
    save_family(tmp_path, vocab_size=272)
    model = json.loads((tmp_path / "tokenizer.json").read_text("utf-8"))["model"]
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "vocab.json").write_text(json.dumps(model["vocab"] | {"<|endoftext|>": 270}), "utf-8")
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    (tmp_path / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), "utf-8")
    if added:
        (tmp_path / "added_tokens.json").write_text('{"[PAD]": 271}')
        (tmp_path / "special_tokens_map.json").write_text('{"pad_token": {"content": "[PAD]"}}')
    run = loading.open_model(tmp_path)
    theirs = library().AutoTokenizer.from_pretrained(tmp_path)
    for text in ("the dog sat", "  é\n<|endoftext|>the", "[PAD] [PAD]", ""):
        assert run.tokenizer.encode(text) == theirs(text).input_ids
        assert run.tokenizer.decode(run.tokenizer.encode(text)) == text
    assert loading.open_model(tmp_path, str(tmp_path / "vocab.json")).tokenizer.vocab == run.tokenizer.vocab


def meta_of(tokens: list[str], ids: object = dict) -> dict[str, object]:
    return {
        "stoi": {token: id for id, token in enumerate(tokens)},
        "itos": list(tokens) if ids is list else dict(enumerate(tokens)),
    }


@pytest.mark.parametrize("ids", [dict, list])
@pytest.mark.parametrize(
    ("tokens", "text", "expected"),
    [
        (["the", "cat", "sat", "<eos>"], "the cat  sat <eos>", [0, 1, 2, 3]),
        ([*"abc ", "<eos>", "<pad>", "[x]"], "a b<eos>c[x]<", None),
        ([*"abc <", "<eos>", "[x]"], "a b<eos>c[x]<", [0, 3, 1, 5, 2, 6, 4]),
        (["the", " ", "cat", ".", "the cat"], "the cat the.", [4, 1, 0, 3]),
    ],
)
def test_a_meta_of_words_or_with_signs(tmp_path, tokens, text, expected, ids):
    sizes = SIZES | {"vocab_size": len(tokens)}
    path = save_nano(tmp_path, nano_weights(sizes), **sizes)
    (tmp_path / "meta.pkl").write_bytes(pickle.dumps(meta_of(tokens, ids)))
    tokenizer = loading.open_model(path).tokenizer
    if expected is None:
        with pytest.raises(ValueError, match="the corpus lacks the character '<'"):
            tokenizer.encode(text)
        return
    assert tokenizer.encode(text) == expected
    assert tokenizer.decode(expected) == " ".join(text.split()) if tokens[0] == "the" and " " not in tokens else text
    assert tokenizers.load(tokenizers.files(tokenizer)["tokenizer.json"]).encode(text) == expected


HELD: dict[str, tuple[object, str]] = {
    "device": (torch.device("cpu"), "'torch.device'"),
    "dtype": (torch.bfloat16, "'torch.bfloat16'"),
    "set": ({"a", "b"}, "'builtins.set'"),
    "path": (Path("a"), "'pathlib"),
    "size": (torch.Size([1, 2]), "'torch.Size'"),
    "array": (np.arange(3), "'numpy"),
    "object": (SimpleNamespace(a=1), "'types.SimpleNamespace'"),
    "function": (F.relu, "'torch.nn.functional.relu'"),
    "defaultdict": (defaultdict(list, a=[1]), "'builtins.list'"),
    "date": (datetime.date(2020, 1, 1), "'datetime.date'"),
}


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("name", HELD)
def test_what_is_not_plain_is_named(nano, name, protocol):
    """Of what a checkpoint holds beside its weights, nothing is made, and nothing stops the rest from being read."""
    before = weights_of(nano)
    value, said = HELD[name]
    content = {"model": nano_weights(), "model_args": SIZES | {"bias": True}, "config": {"a": [value]}}
    torch.save(content, nano, pickle_protocol=protocol)
    run = loading.open_model(nano)
    assert gpt.fingerprint(run.model) == before
    assert len(run.notes) == 1
    assert run.notes[0].startswith(f"The checkpoint also holds what is not read: {said}")


@pytest.mark.parametrize("protocol", [2, 4])
def test_numbers_of_numpy_are_numbers(nano, protocol):
    """Of each kind, also as sizes; but of those that are no numbers of a size there is one."""
    kinds = (np.int64, np.int32, np.uint8, np.int16, np.float64, np.float32, np.float16, np.bool_)
    sizes = {name: np.int64(size) if name in ("n_layer", "n_embd") else size for name, size in SIZES.items()}
    content = {"model": nano_weights(), "model_args": sizes | {"bias": np.True_}, "loss": [kind(1) for kind in kinds]}
    torch.save(content, nano, pickle_protocol=protocol)
    assert loading.open_model(nano).notes == ()
    value, unread = torch_file.read_file(nano)
    assert cast(Any, value)["loss"] == [1] * len(kinds)
    assert unread == []


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


# --- Refusals -----------------------------------------------------------------------------------------------------


def refused(capsys: pytest.CaptureFixture[str], path: Path, says: str, *more: object) -> None:
    """One sentence that names the path, exit status 2, and nothing written."""
    before = {file: file.stat().st_mtime_ns for file in path.parent.rglob("*")}
    status, out, err = asked(capsys, "generate", "a", "--checkpoint", path, "--tokens", 1, *more)
    assert (status, out) == (2, ""), err
    assert says in err
    assert err.startswith(("gpt.py: ", f"gpt.py: {path}"))
    assert err.count("\n") == 1
    assert len(err) < 600
    assert {file: file.stat().st_mtime_ns for file in path.parent.rglob("*")} == before


CONFIGS: list[tuple[dict[str, object], str]] = [
    ({"model_type": "llama"}, "config.json says that its family is 'llama'; only gpt2 can be opened"),
    ({"model_type": None, "architectures": ["LlamaForCausalLM"]}, "its family is 'LlamaForCausalLM'"),
    ({"model_type": ["gpt2"]}, "its family is a list"),
    ({"tie_word_embeddings": False}, "it has no lm_head.weight; by its config.json it needs one of the shape (270, 8)"),
    ({"tie_word_embeddings": "no"}, "tie_word_embeddings = 'no', which must be true or false"),
    ({"n_inner": 30}, "h.0.mlp.c_fc.weight has the shape (8, 32); by its config.json it needs (8, 30)"),
    ({"n_inner": 0}, "n_inner = 0, which must be a whole number from 1"),
    ({"layer_norm_epsilon": "1e-5"}, "layer_norm_epsilon = '1e-5', which must be a number from 0 to 1"),
    ({"layer_norm_epsilon": -1}, "layer_norm_epsilon = -1"),
    ({"layer_norm_epsilon": float("inf")}, "layer_norm_epsilon = inf"),
    ({"scale_attn_weights": 1}, "scale_attn_weights = 1, which must be true or false"),
    ({"add_cross_attention": True}, "add_cross_attention = True"),
    ({"quantization_config": {"bits": 4}}, "quantization_config = a dict"),
    ({"activation_function": "mish"}, "activation_function = 'mish', and what is known is gelu, "),
    ({"activation_function": []}, "activation_function = a list"),
    ({"n_head": 3}, "n_embd = 8, which n_head = 3 heads cannot share"),
    ({"n_head": 0}, "n_head = 0, which must be a whole number from 1"),
    ({"n_head": -2}, "n_head = -2"),
    ({"n_head": 2.0}, "n_head = 2.0"),
    ({"n_head": True}, "n_head = True"),
    ({"n_layer": 10**9}, "it has the weights of 2 blocks; by its config.json it needs 1000000000"),
    ({"n_layer": 10**30}, "n_layer = a number of more than 64 bits"),
    ({"n_layer": 1}, "it has the weights of 2 blocks; by its config.json it needs 1"),
    ({"n_embd": 2**30}, "wte.weight has the shape (270, 8); by its config.json it needs (270, 1073741824)"),
    ({"n_positions": 2**31 - 1}, "wpe.weight has the shape (16, 8); by its config.json it needs (2147483647, 8)"),
    ({"vocab_size": 50257}, "it has 50257 tokens, and its tokenizer 270; name the one that it was trained with"),
    ({"vocab_size": 271}, "wte.weight has the shape (270, 8); by its config.json it needs (271, 8)"),
    ({"vocab_size": 320}, "wte.weight has the shape (270, 8)"),
]


@pytest.mark.parametrize(("change", "says"), CONFIGS)
def test_configurations_that_are_refused(family, capsys, change, says):
    file = family / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | change))
    refused(capsys, family, says)


@pytest.mark.parametrize("name", ["vocab_size", "n_positions", "n_embd", "n_layer", "n_head"])
def test_a_size_that_is_missing(family, capsys, name):
    file = family / "config.json"
    whole = json.loads(file.read_text("utf-8"))
    del whole[name]
    file.write_text(json.dumps(whole))
    refused(capsys, family, f"config.json has no {name}")


H0 = "transformer.h.0"
NAN = torch.tensor([1.0] * 7 + [float("nan")])
WEIGHTS: list[tuple[Callable[[dict[str, Tensor]], object], str]] = [
    (lambda w: w.update({"lm_head.weight": torch.zeros(2, 8)}), "lm_head.weight has the shape (2, 8); by its config"),
    (lambda w: w.update({"lm_head.weight": torch.zeros(270, 8).byte()}), "lm_head.weight is kept as 'U8'"),
    (
        lambda w: w.update({"lm_head.bias": torch.zeros(270)}),
        "it has a weight 'lm_head.bias', which by its config.json",
    ),
    (
        lambda w: w.pop(f"{H0}.mlp.c_fc.bias"),
        "it has no h.0.mlp.c_fc.bias; by its config.json it needs one of the shape",
    ),
    (lambda w: w.update({f"{H0}.more": NAN}), "it has a weight 'h.0.more', which by its config.json it cannot have"),
    (lambda w: w.update({"adapter.weight": torch.ones(2, 8)}), "it has a weight 'adapter.weight'"),
    (
        lambda w: w.update({f"{H0}.ln_1.bias": torch.ones(9)}),
        "h.0.ln_1.bias has the shape (9); by its config.json it needs (8",
    ),
    (lambda w: w.update({f"{H0}.mlp.c_fc.weight": torch.ones(32, 8)}), "h.0.mlp.c_fc.weight has the shape (32, 8)"),
    (lambda w: w.update({f"{H0}.ln_1.bias": NAN}), "h.0.ln_1.bias has numbers that are not finite"),
    (lambda w: w.update({f"{H0}.ln_1.bias": 1 / torch.zeros(8)}), "h.0.ln_1.bias has numbers that are not finite"),
    (lambda w: w.update({f"{H0}.ln_1.bias": torch.ones(8).to(torch.float8_e4m3fn)}), "is kept as 'F8_E4M3'"),
    (
        lambda w: w.update({f"{H0}.attn.c_attn.weight": torch.ones(8, 24).char()}),
        "is kept as 'I8', and what can be read",
    ),
    (lambda w: w.update({"h.0.ln_1.bias": torch.ones(8)}), "it has two weights 'h.0.ln_1.bias'"),
    (lambda w: w.clear(), "it has no wte.weight"),
]


@pytest.mark.parametrize(("change", "says"), WEIGHTS)
def test_weights_that_are_refused(family, capsys, change, says):
    rewrite(family, change)
    refused(capsys, family, says)


def test_folders_that_are_refused(family, capsys, tmp_path):
    weights = family / "model.safetensors"
    data = weights.read_bytes()
    for damaged in (data[:-1], data[:20], b"", b"\xff" * 40, b"PK\3\4" + data):
        weights.write_bytes(damaged)
        refused(capsys, family, "model.safetensors is no file of safetensors, or a damaged one")
    weights.unlink()
    refused(capsys, family, "it has no weights; model.safetensors or pytorch_model.bin has them")
    (family / "pytorch_model.bin").write_bytes(b"")
    refused(capsys, family, "pytorch_model.bin cannot be read: it is empty.")
    torch.save({"a": 1}, family / "pytorch_model.bin")
    refused(capsys, family, "pytorch_model.bin is not a dict of weights alone")
    torch.save({"a": Evil(os.system, "touch written")}, family / "pytorch_model.bin")
    refused(capsys, family, "its pickle asks for 'posix.system', which is not done; nothing of it was run")
    for wrong in (b"[]", b"{", b"\xff", b"[" * 10**5, b"9" * 5000):
        (family / "config.json").write_bytes(wrong)
        refused(capsys, family, "config.json is no JSON")
    (family / "config.json").unlink()
    refused(capsys, family, "it has no config.toml, as a run of gpt.py has, and no config.json")
    os.mkfifo(family / "fifo")
    refused(capsys, family / "fifo", "it is no file; name nanoGPT's ckpt.pt, or the folder of a model")
    refused(capsys, tmp_path / ("n" * 300), "File name too long")
    refused(capsys, tmp_path / "lost", "there is no such file or folder")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda m: m.update({"transformer.ln_f.bias": "../model.safetensors"}),
            "'../model.safetensors' in its weight",
        ),
        (lambda m: m.update({"transformer.ln_f.bias": "/etc/passwd"}), "'/etc/passwd' in its weight_map"),
        (
            lambda m: m.update({"transformer.ln_f.bias": 3}),
            "has 3 in its weight_map, which is no file of the folder",
        ),
        (
            lambda m: m.update({"transformer.ln_f.bias": "lost.safetensors"}),
            "lost.safetensors, which model.safetensors",
        ),
        (lambda m: m.update({"more": min(m.values())}), "has 'more', which is not in 'model-00001"),
        (
            lambda m: m.pop("transformer.ln_f.bias"),
            "has 'transformer.ln_f.bias', which model.safetensors.index.json does",
        ),
        (lambda m: m.clear(), "model.safetensors.index.json has no weight_map"),
    ],
)
def test_shards_that_are_refused(tmp_path, capsys, change, says):
    folder = tmp_path / "family"
    save_family(folder, max_shard_size="6KB")
    index = folder / "model.safetensors.index.json"
    whole = json.loads(index.read_text("utf-8"))
    change(whole["weight_map"])
    index.write_text(json.dumps(whole))
    refused(capsys, folder, says)


ARGS: list[tuple[dict[str, object], str]] = [
    ({"n_layer": 10**9}, "it has the weights of 2 blocks; by its model_args it needs 1000000000"),
    ({"n_embd": 2**31}, "model_args has n_embd = 2147483648, which must be"),
    ({"n_embd": 2**30}, "wte.weight has the shape (28, 8); by its model_args it needs (28, 1073741824)"),
    ({"block_size": "16"}, "model_args has block_size = '16'"),
    ({"n_head": 5}, "n_embd = 8, which n_head = 5 heads cannot share"),
    ({"bias": 1}, "model_args has bias = 1, which must be true or false"),
    ({"bias": False}, "it has a weight 'h.0.ln_1.bias', which by its model_args it cannot have"),
    ({"vocab_size": 3000}, "it has 3000 tokens, and its tokenizer 28"),
    ({"vocab_size": [28]}, "model_args has vocab_size = a list"),
]


@pytest.mark.parametrize(("change", "says"), ARGS)
def test_model_args_that_are_refused(tmp_path, capsys, change, says):
    refused(capsys, save_nano(tmp_path, **change), says)


def test_sizes_that_only_seem_to_be_there(tmp_path, capsys):
    """A tensor may say that it is larger than what is stored of it; nothing is made of that size."""
    n = 2**28
    sizes = SIZES | {"n_embd": n, "n_head": 1}
    weights = {name: torch.zeros(1).expand(shape) for name, shape in nano_shapes(sizes).items()}
    refused(capsys, save_nano(tmp_path, weights, **sizes), "wte.weight does not lie in the file in one piece")


def test_files_that_are_refused(nano, family, capsys, tmp_path):
    data = nano.read_bytes()
    for damaged in (data[:-1], data[: len(data) // 2], b"\x80\x02.", b"GIF89a", data[:4], b"PK\5\6" + bytes(18)):
        nano.write_bytes(damaged)
        refused(capsys, nano, "it is no file of torch.save")
    nano.write_bytes(b"")
    refused(capsys, nano, "ckpt.pt cannot be used: it is empty.")
    refused(capsys, family / "model.safetensors", "it is a part of a model; name the folder that it lies in")
    torch.save({"model": nano_weights()}, nano)
    refused(capsys, nano, "it has no model and model_args, as a ckpt.pt of nanoGPT has")
    torch.save([1], nano)
    refused(capsys, nano, "it has no model and model_args")
    save_nano(tmp_path, {"more": 1})
    refused(capsys, nano, "its model is not a dict of weights alone")
    torch.save({"model": nano_weights(), "model_args": 3}, nano)
    refused(capsys, nano, "its model_args are no dict")
    old = io.BytesIO()
    torch.save({"model": nano_weights(), "model_args": SIZES}, old, _use_new_zipfile_serialization=False)
    for cut in (16, 40, 400, len(old.getvalue()) // 2, len(old.getvalue()) - 1):
        nano.write_bytes(old.getvalue()[:cut])
        refused(capsys, nano, "damaged")
    turned = nano_weights()
    turned["transformer.h.0.attn.c_proj.weight"] = turned["transformer.h.0.attn.c_proj.weight"].T
    refused(capsys, save_nano(tmp_path, turned), "h.0.attn.c_proj.weight does not lie in the file in one piece")
    (tmp_path / "meta.pkl").unlink()
    refused(
        capsys, nano, "it has no tokenizer; name one with --tokenizer: a meta.pkl, a tokenizer.json or tiktoken:gpt2."
    )


@pytest.mark.parametrize(
    ("meta", "says"),
    [
        ([], "it has no stoi and itos, as a meta.pkl of nanoGPT has"),
        ({"stoi": {}, "itos": {}}, "its itos does not have a text for each id from 0 to 0"),
        ({"stoi": {"": 0}, "itos": {0: ""}}, "its itos does not have a text for each id"),
        ({"stoi": {"a": 0}, "itos": {0: 1}}, "its itos does not have a text for each id"),
        ({"stoi": {"a": 0, "b": 2}, "itos": {0: "a", 2: "b"}}, "a text for each id from 0 to 1"),
        ({"stoi": {"a": 0, "b": 0}, "itos": {0: "a", 1: "b"}}, "its stoi does not say the same as its itos"),
        ({"stoi": {"a": 0}, "itos": {0: "a"}, "vocab_size": 2}, "it has vocab_size = 2, and 1 tokens"),
        ({"stoi": {"\ud800": 0}, "itos": {0: "\ud800"}}, "half of a surrogate pair"),
        ({"stoi": {(1, 2): 0}, "itos": {0: "a"}}, "it has a dict with a tuple for a key"),
        ({"stoi": {1 << 70: 0}, "itos": {0: "a"}}, "it has a whole number of more than 64 bits"),
        ({"stoi": {"a": {1}}, "itos": {0: "a"}}, "its pickle has the opcode EMPTY_SET"),
        ({"stoi": {"a": b"b"}, "itos": {0: "a"}}, "its pickle has the opcode SHORT_BINBYTES"),
    ],
)
def test_meta_that_is_refused(nano, capsys, meta, says):
    (nano.parent / "meta.pkl").write_bytes(pickle.dumps(meta, 4))
    refused(capsys, nano, says)


def test_tokenizers_that_are_refused(nano, capsys, tmp_path):
    refused(capsys, nano, "tokenizer lost.pkl: there is no such file", "--tokenizer", "lost.pkl")
    refused(capsys, nano, "tiktoken knows no encoding 'nowhere'", "--tokenizer", "tiktoken:nowhere")
    refused(capsys, nano, "it is not JSON in UTF-8, as a tokenizer is", "--tokenizer", nano)
    refused(capsys, nano, "there is no such file", "--tokenizer", tmp_path)
    refused(capsys, nano, "File name too long", "--tokenizer", "n" * 300)
    refused(capsys, nano, "there is no such file", "--tokenizer", "a\0b")
    own = tmp_path / "own"
    own.mkdir()
    save_own(own)
    refused(capsys, own, "a run of gpt.py has its own tokenizer; leave --tokenizer out", "--tokenizer", "tiktoken:gpt2")
    with pytest.raises(RefusalError, match="--seed trains the article's own model"):
        loading.open_model(own, seed=3)


# --- Pickles ------------------------------------------------------------------------------------------------------


class Evil:
    """Does something when it is unpickled."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.way = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.way


def evils(file: Path) -> list[object]:
    """Objects that would write a file."""
    code = f"open({str(file)!r}, 'w').close()"
    return [
        Evil(os.system, f"touch {file}"),
        Evil(eval, code),
        Evil(exec, code),
        Evil(getattr, Evil(__import__, "os"), "system"),
        Evil(list, Evil(map, Evil(eval, "eval"), [code])),
        Evil(os.mkdir, str(file)),
        {"a": [({"b": Evil(eval, code)},)]},
    ]


@pytest.mark.parametrize("n", range(7))
@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_runs_nothing(nano, capsys, tmp_path, n, protocol):
    """That it would is shown by pickle itself."""
    file = tmp_path / "written"
    data = pickle.dumps({"stoi": evils(file)[n], "itos": {}}, protocol)
    (tmp_path / "meta.pkl").write_bytes(data)
    refused(capsys, nano, "nothing of it was run")
    refused(capsys, nano, "nothing of it was run", "--tokenizer", tmp_path / "meta.pkl")
    assert not file.exists()
    if n != 3:
        pickle.loads(data)  # noqa: S301
        assert file.exists()


@pytest.mark.parametrize("n", range(7))
@pytest.mark.parametrize("where", ["model", "model_args", "optimizer", "more"])
def test_a_checkpoint_runs_nothing(nano, capsys, tmp_path, n, where):
    file = tmp_path / "written"
    content = {"model": nano_weights(), "model_args": SIZES, "optimizer": {}} | {where: evils(file)[n]}
    torch.save(content, nano)
    refused(capsys, nano, "nothing of it was run")
    assert not file.exists()


OPCODES = [
    (b"\x80\x02cos\nsystem\n(X\x02\x00\x00\x00lstR.", "its pickle asks for 'os.system'"),
    (b"(S'ls'\nios\nsystem\n.", "has the opcode"),
    (b"(cos\nsystem\nX\x02\x00\x00\x00lso.", "asks for 'os.system'"),
    (b"\x80\x02\x82\x01.", "the opcode EXT1"),
    (b"Pa\n.", "the opcode PERSID"),
    (b"\x80\x02]Q.", "the opcode BINPERSID"),
    (b"\x80\x02]]\x81.", "the opcode NEWOBJ"),
    (b"\x80\x02}]R.", "it is no pickle, or a damaged one"),
    (b"\x80\x02]}b.", "it is no pickle, or a damaged one"),
    (b"\x80\x02h\x07.", "it is no pickle, or a damaged one"),
    (b"\x80\x02.", "it is no pickle, or a damaged one"),
    (b"\x80\x02]].", "it is no pickle, or a damaged one"),
    (b"\x80\x02((.", "it is no pickle, or a damaged one"),
    (b"\x80\x02u.", "it is no pickle, or a damaged one"),
    (b"\x80\x02]", "it is no pickle, or a damaged one"),
    (b"", "it is no pickle, or a damaged one"),
    (b"\x80\x02X\xff\xff\xff\x7fa.", "it is no pickle, or a damaged one"),
    (b"\x80\x04\x8d" + b"\xff" * 8 + b"a.", "it is no pickle, or a damaged one"),
    (b"\x80\x02})" + b"q\x00h\x00\x86" * 80 + b"Ns.", "it has a dict with a tuple for a key"),
    (b"\x80\x02\x8b\x00\x00\x10\x00" + b"\x7f" * (1 << 20) + b".", "a whole number of more than 64 bits"),
    (b"L" + b"9" * 100_000 + b"L\n.", "it is no pickle, or a damaged one"),
    (b"\x80\x02" + b"]" * (1 << 22), "its pickle has 4,194,306 bytes, and one of plain values at most"),
]


@pytest.mark.parametrize(("data", "says"), OPCODES, ids=range(len(OPCODES)))
def test_pickles_that_are_refused(data, says):
    with pytest.raises(ValueError, match=says):
        torch_file.unpickled(data)


@pytest.mark.slow
def test_what_a_pickle_wants_costs_no_memory():
    """A place in the memory of a pickle may have a large number; lists in lists, and what holds itself, are plain."""
    assert torch_file.unpickled(b"\x80\x02]r\xff\xff\xff\xff.") == []
    deep: Any = torch_file.unpickled(b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".")
    assert len(deep) == 1
    itself: Any = torch_file.unpickled(b"\x80\x02]q\x00h\x00a.")
    assert itself[0] is itself


@pytest.mark.parametrize("protocol", range(6))
def test_plain_pickles_are_read(protocol):
    shared = ["x", 1.5]
    value = {
        "a": [
            1,
            -2,
            2**40,
            -(2**63),
            3.25,
            True,
            False,
            None,
            "é\n\U0001f642",
            "",
            (),
            (1,),
            (1, 2),
            (1, 2, 3),
            (4,) * 9,
        ]
    }
    value |= {"b": {"c": {}, 4: [], None: 2.0}, "d": list(range(3000)), "e": shared, "f": shared}
    read: Any = torch_file.unpickled(pickle.dumps(value, protocol))
    assert read == value
    assert read["e"] is read["f"]


def test_a_zip_bomb_is_refused(nano, capsys):
    """torch.save compresses nothing."""
    data = io.BytesIO()
    with zipfile.ZipFile(nano) as old, zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, bytes(1 << 24) if info.filename.endswith("data.pkl") else old.read(info))
    nano.write_bytes(data.getvalue())
    refused(capsys, nano, "it is compressed, as torch.save does not do")
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as new:
        new.writestr("a/data.pkl", bytes(torch_file.LARGEST + 1))
    nano.write_bytes(data.getvalue())
    refused(capsys, nano, "its pickle has more than 4,194,304 bytes")


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
