"""Checkpoints for the tests to open: those of nanoGPT, of the GPT-2 family, and runs of ours."""

import importlib
import json
import pickle  # noqa: TID251 - to write what is refused
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

import gpt
from article import __main__
from article.models import loading, prompts, tokenizers
from article.models.formats.run import run_files
from article.models.model import OpenedModel
from article.models.settings import Settings
from scenes.analysis.decomposition import Decomposition

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


def answers_alike(folder: Path, theirs: Any, text: str = "the dog sat") -> OpenedModel:
    """The model of a folder, which gives the logits that the library transformers gives, and traces them."""
    run = loading.open_model(folder)
    ids = torch.tensor([run.tokenizer.encode(text)])
    with torch.no_grad():
        expected = theirs(ids).logits[..., : run.config.n_vocab]
    apart = (run.model(ids).logits.detach() - expected).abs().max() / expected.abs().max()
    assert apart < 1e-5, "as README's table has it"
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


def reconfigure(folder: Path, change: Mapping[str, object]) -> None:
    """Changes what a config.json says; what is to be Ellipsis is not said."""
    file = folder / "config.json"
    said = json.loads(file.read_text("utf-8")) | change
    file.write_text(json.dumps({name: value for name, value in said.items() if value is not ...}))


def weights_of(path: Path) -> str:
    """The SHA-256 of the weights that a checkpoint has now."""
    return gpt.fingerprint(loading.open_model(path).model)


def rewrite(folder: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    """Changes the weights of a folder."""
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


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


class Evil:
    """Does something when it is unpickled."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.way = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.way
