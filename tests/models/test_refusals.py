"""Checkpoints that cannot be used are refused by name, in one sentence."""

import io
import json
import os
import pickle  # noqa: TID251 - to write what is refused
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from article.errors import RefusalError
from article.models import loading
from tests.models.checkpoints import (
    SIZES,
    Evil,
    nano_shapes,
    nano_weights,
    refused,
    rewrite,
    save_family,
    save_nano,
    save_own,
)

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
