"""The tokenizer of a checkpoint: from the files of Hugging Face and of nanoGPT, as large as its model."""

import json
import re
from pathlib import Path
from typing import Any

import gpt
from article.errors import RefusalError
from article.models import tokenizers
from article.models.formats import safetensors, torch_file
from article.models.formats.safetensors import quoted

META = "meta.pkl"
VOCAB, MERGES, ADDED, SPECIAL = "vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json"
END = "<|endoftext|>"  # the special token of GPT-2
SIGN = re.compile(r"<[^<>\s]+>|\[[^\[\]\s]+\]")  # such as <eos>, among characters


def tokenizer_named(kind: str) -> gpt.Tokenizer:
    """The tokenizer that --tokenizer names: a file, or tiktoken:NAME. Raises RefusalError."""
    path = Path(kind)
    try:
        if kind.startswith("tiktoken:"):
            return tokenizers.encoding_of(kind.removeprefix("tiktoken:"))
        if not path.is_file():
            raise ValueError("there is no such file; name a meta.pkl or a tokenizer.json, or tiktoken:gpt2")
        if path.suffix == ".pkl":
            return of_meta(path)
        if path.name == VOCAB:
            return of_merges(path.parent)
        return tokenizers.load(safetensors.read_whole(path), special=True)
    except OSError as error:
        raise RefusalError(f"tokenizer {kind}: it cannot be read: {error.strerror}; name another one.") from None
    except ValueError as error:
        raise RefusalError(f"tokenizer {kind}: {error}.") from None


def resized(tokenizer: gpt.Tokenizer, n_vocab: int) -> gpt.Tokenizer:
    """A tokenizer for a model of so many tokens. Raises ValueError if it is too far from that to be the model's own."""
    n = len(tokenizer.vocab)
    if n == n_vocab:
        return tokenizer
    if not tokenizers.near(n, n_vocab):
        raise ValueError(f"it has {n_vocab} tokens, and its tokenizer {n}; name the one that it was trained with")
    return tokenizers.Resized(tokenizer, n_vocab)


def of_meta(path: Path) -> gpt.Tokenizer:
    """The tokens of nanoGPT's meta.pkl, with the ids that they have there. Raises ValueError, OSError.

    They are characters, perhaps with signs such as <eos> among them, or words between white space.
    """
    meta = torch_file.unpickled(safetensors.read_whole(path, torch_file.LARGEST))
    stoi, itos = (meta.get(name) if isinstance(meta, dict) else None for name in ("stoi", "itos"))
    itos = dict(enumerate(itos)) if isinstance(itos, list) else itos
    if not isinstance(meta, dict) or not isinstance(stoi, dict) or not isinstance(itos, dict):
        raise ValueError("it has no stoi and itos, as a meta.pkl of nanoGPT has; name another file")
    n = len(itos)
    named = [itos.get(id) for id in range(n)]
    tokens = [token for token in named if isinstance(token, str) and token]
    if not n or len(tokens) < n:
        raise ValueError(f"its itos does not have a text for each id from 0 to {max(n - 1, 0)}")
    if stoi != {token: id for id, token in enumerate(tokens)}:
        raise ValueError("its stoi does not say the same as its itos")
    if meta.get("vocab_size", n) != n:
        raise ValueError(f"it has vocab_size = {quoted(meta['vocab_size'])}, and {n} tokens")
    long = [token for token in tokens if len(token) > 1]
    if all(map(SIGN.fullmatch, long)) or any(token.split() != [token] for token in tokens):
        return tokenizers.Characters(tokens)
    return gpt.Tokenizer(map(tokenizers.checked, tokens))


def of_merges(folder: Path) -> gpt.Tokenizer:
    """The byte-level BPE of a folder's vocab.json and merges.txt, with special tokens. Raises ValueError, OSError."""
    vocab = safetensors.read_json(folder / VOCAB)
    added = safetensors.read_json(folder / ADDED) if (folder / ADDED).is_file() else {}
    if not all(type(id) is int and id >= 0 for id in (vocab | added).values()):
        raise ValueError(f"{VOCAB} does not have an id for each token")
    if not (folder / MERGES).is_file():
        raise ValueError(f"there is no {MERGES} beside it")
    lines = safetensors.read_whole(folder / MERGES).decode("utf-8-sig").split("\n")
    merges = [line.rstrip("\r") for line in lines if line.strip() and not line.startswith("#version")]
    if any(line.count(" ") != 1 for line in merges):
        raise ValueError(f"{MERGES} does not have two pieces a line")
    known = vocab | added
    special = [token for token in dict.fromkeys([END, *special_tokens(folder), *added]) if token in known]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    cut: dict[str, Any] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    state = {
        "version": "1.0",
        "added_tokens": [{"id": known[token], "content": token} | flags for token in special],
        "pre_tokenizer": cut,
        "decoder": cut,
        "model": {"type": "BPE", "vocab": vocab, "merges": merges},
    }
    return tokenizers.load(json.dumps(state).encode())


def special_tokens(folder: Path) -> list[str]:
    """The tokens that special_tokens_map.json names, if it is there."""
    if not (folder / SPECIAL).is_file():
        return []
    values = safetensors.read_json(folder / SPECIAL).values()
    said = [one for value in values for one in (value if isinstance(value, list) else [value])]
    tokens = [one.get("content") if isinstance(one, dict) else one for one in said]
    return [token for token in tokens if isinstance(token, str)]
