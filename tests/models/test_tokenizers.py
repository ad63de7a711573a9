"""Every kind of tokenizer: text to ids and back, what the eye sees of a token, and the file beside a model."""

import base64
import contextlib
import doctest
import hashlib
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiktoken
import tiktoken.load
import tiktoken.registry
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import models, normalizers, pre_tokenizers

import gpt
from article.errors import RefusalError
from article.models import tokenizers as tokens
from article.models.tokenizers import (
    BYTES,
    FILE,
    Characters,
    Encoding,
    Pieces,
    files,
    load,
    make,
    shown,
    stretches,
    train_bpe,
    unique,
)

CORPUS = "the spider spins and the bird builds\nthe bird sings, the spider does not;\n\n\tnaïve cafés: 東京 🙂🙂\n" * 3
ANY = st.text()  # all of Unicode but lone surrogates
BPE = train_bpe(CORPUS, 300)


def own_encoding() -> tiktoken.Encoding:
    """The bytes, backwards, so that ids are not bytes; two merges and a special token, with a gap before it."""
    ranks = {bytes([255 - id]): id for id in range(BYTES)} | {b"th": BYTES, b"the": BYTES + 1}
    pattern = r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+"
    return tiktoken.Encoding("own", pat_str=pattern, mergeable_ranks=ranks, special_tokens={"<|end|>": BYTES + 5})


KINDS: dict[str, gpt.Tokenizer] = {
    "words": gpt.Tokenizer([CORPUS]),
    "characters": Characters(CORPUS),
    "bpe": BPE,
    "tiktoken": Encoding(own_encoding()),
}


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tiktoken.registry.ENCODINGS, "own", own_encoding())


# --- Text to ids and back -----------------------------------------------------------------------------------------


@given(ANY)
def test_pieces_give_any_text_back(text: str) -> None:
    for kind in ("bpe", "tiktoken"):
        assert KINDS[kind].decode(KINDS[kind].encode(text)) == text


@given(st.text(alphabet=sorted(set(CORPUS))))
def test_characters_give_any_text_of_their_alphabet_back(text: str) -> None:
    assert KINDS["characters"].decode(KINDS["characters"].encode(text)) == text
    assert len(KINDS["characters"].encode(text)) == len(text)


@given(st.lists(st.sampled_from([*gpt.Tokenizer([CORPUS]).vocab, " ", "\n", "\t"])))
def test_words_give_the_text_back_but_for_white_space(parts: list[str]) -> None:
    text = " ".join(parts)
    assert KINDS["words"].decode(KINDS["words"].encode(text)) == " ".join(text.split())


@given(ANY.filter(bool))
def test_ids_are_in_the_order_of_first_appearance(text: str) -> None:
    ids = Characters(text).encode(text)
    assert list(dict.fromkeys(ids)) == list(range(len(set(text))))


def test_bpe_is_the_textbook_algorithm() -> None:
    """On one kind of letter the merges are known: ab first, as the most frequent pair, and then abab."""
    tokenizer = train_bpe("abababab cd", BYTES + 2)
    assert tokenizer.vocab[BYTES:] == ("ab", "abab")
    assert [tokenizer.vocab[id] for id in tokenizer.encode("ababab")] == ["abab", "ab"]


@pytest.mark.parametrize("n_vocab", [BYTES + 1, 280, 300])
def test_bpe_has_the_size_asked_for(n_vocab: int) -> None:
    assert len(train_bpe(CORPUS, n_vocab).vocab) == n_vocab


@given(st.text(alphabet="ab'st1.é東 \n\t\r\xa0\u2028\x1c"), st.integers(1, 4))
def test_stretches_leave_the_ids_as_they_are(text: str, least: int) -> None:
    parts = list(stretches(text, least))
    assert "".join(parts) == text
    assert [id for part in parts for id in BPE.tokenizer.encode(part).ids] == BPE.tokenizer.encode(text).ids


@pytest.mark.slow
def test_a_long_text_is_encoded_in_stretches() -> None:
    assert BPE.divisible
    assert len(list(stretches(CORPUS * 2000))) > 1
    assert BPE.encode(CORPUS * 2000) == BPE.tokenizer.encode(CORPUS * 2000).ids


FLAGS = {"single_word": False, "normalized": False, "special": True}


@pytest.mark.parametrize(
    ("part", "state"),
    [
        ("normalizer", {"type": "Lowercase"}),
        ("pre_tokenizer", {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}),
        ("pre_tokenizer", {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}),
        ("pre_tokenizer", None),
        ("added_tokens", [{"id": 300, "content": "a b", "lstrip": False, "rstrip": False} | FLAGS]),
    ],
)
def test_what_stretches_could_change_is_encoded_whole(part: str, state: object) -> None:
    other = load(json.dumps(json.loads(files(BPE)[FILE]) | {part: state}).encode())
    assert isinstance(other, Pieces)
    assert not other.divisible


def test_bpe_joins_no_pair_that_is_there_once() -> None:
    assert len(train_bpe("a cat", 400).vocab) == BYTES


@pytest.mark.slow
def test_training_is_the_same_in_another_process() -> None:
    """The library counts in hash tables that are seeded anew in each process."""
    code = (
        "import sys; from article.models.tokenizers import files, train_bpe; print(files(train_bpe(sys.argv[1], 300)))"
    )
    other = subprocess.run([sys.executable, "-X", "utf8", "-c", code, CORPUS], capture_output=True, check=True)
    assert other.stdout.decode().strip() == str(files(BPE))


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_character_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match=r"surrogate pair|lacks the (word|character)"):
        KINDS[kind].encode("the \ud83d")


@pytest.mark.parametrize("kind", ["words", "characters"])
def test_what_is_unknown_is_named(kind: str) -> None:
    with pytest.raises(ValueError, match="'Ж'"):
        KINDS[kind].encode("the Ж")


def test_the_examples_in_the_docstrings_are_true() -> None:
    assert doctest.testmod(tokens) == (0, 3)


# --- What the eye sees --------------------------------------------------------------------------------------------


def assert_legible(vocab: tuple[str, ...]) -> None:
    assert len(set(vocab)) == len(vocab)
    assert all(name and name.isprintable() and not name.isspace() for name in vocab)


@given(ANY.filter(bool))
def test_every_character_is_visible_and_told_apart(text: str) -> None:
    assert_legible(Characters(text).vocab)


@given(st.lists(st.sampled_from(["a", "a#1", "a#2", "a#1#2", "b"])))
def test_names_are_unique_and_the_first_is_kept(names: list[str]) -> None:
    result = unique(names)
    assert len(set(result)) == len(result) == len(names)
    assert all(one.startswith(name) for one, name in zip(result, names, strict=True))
    assert not names or result[0] == names[0]


@pytest.mark.parametrize("kind", KINDS)
def test_vocabularies_are_legible(kind: str) -> None:
    assert_legible(KINDS[kind].vocab)
    assert max(KINDS[kind].encode(CORPUS)) < len(KINDS[kind].vocab)


@given(st.binary(min_size=1))
def test_what_is_shown_of_bytes_tells_them_apart(data: bytes) -> None:
    """Where no character of the text looks like a sign, the bytes can be read back from what is shown."""
    text = data.decode("utf-8", "surrogateescape")
    if text.isascii() and text.isprintable() and " " not in text:
        assert shown(data) == text
    if not text.isprintable():
        assert shown(data) != text


@pytest.mark.parametrize(
    ("token", "name"),
    [
        *[(" a", "␣a"), ("\n\n", "⏎⏎"), ("\t", "⇥"), ("\r", "<U+000D>"), ("\xa0", "<U+00A0>"), ("🙂", "🙂")],
        *[("\u200d", "<U+200D>"), ("\u3164", "<U+3164>"), ("\u0301", "◌\u0301"), ("e\u0301", "e\u0301")],
        *[("東".encode(), "東"), ("東".encode()[:2], "<0xE6><0x9D>"), ("東".encode() + b"\xe6", "東<0xE6>")],
    ],
)
def test_signs(token: str | bytes, name: str) -> None:
    assert shown(token) == name


def test_pieces_show_their_bytes() -> None:
    assert {"␣the", "⏎", "⇥", "<0xE6>", "<0xFF>", "<U+0000>", "a"} <= set(BPE.vocab)
    assert [BPE.vocab[id] for id in BPE.encode("東")] in (
        ["東"],
        ["<0xE6>", "<0x9D>", "<0xB1>"],
        ["<0xE6><0x9D>", "<0xB1>"],
    )
    encoding = KINDS["tiktoken"]
    assert [encoding.vocab[id] for id in encoding.encode(" the")] == ["␣", "the"]
    assert encoding.vocab[BYTES + 2 :] == ("<unused-258>", "<unused-259>", "<unused-260>", "<|end|>")


# --- Files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("known")
def test_the_file_gives_the_tokenizer_back(kind: str) -> None:
    tokenizer = KINDS[kind]
    (data,) = files(tokenizer).values()
    again = load(data)
    assert type(again) is type(tokenizer)
    assert again.vocab == tokenizer.vocab
    assert again.encode(CORPUS) == tokenizer.encode(CORPUS)
    assert files(again) == files(tokenizer)


@given(ANY.filter(bool))
def test_any_alphabet_survives_the_file(text: str) -> None:
    assert load(files(Characters(text))[FILE]).encode(text) == Characters(text).encode(text)


def test_the_file_of_pieces_is_the_librarys_own(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(files(BPE)[FILE])
    assert tokenizers.Tokenizer.from_file(str(tmp_path / FILE)).encode(CORPUS).ids == BPE.encode(CORPUS)


def test_a_file_that_cuts_pads_or_drops_out_does_so_no_more() -> None:
    state = json.loads(files(BPE)[FILE])
    state["truncation"] = {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0}
    state["padding"] = {"strategy": {"Fixed": 900}, "direction": "Right", "pad_to_multiple_of": None}
    state["padding"] |= {"pad_id": 0, "pad_type_id": 0, "pad_token": "!"}
    state["model"]["dropout"] = 0.9
    assert load(json.dumps(state).encode()).encode(CORPUS) == BPE.encode(CORPUS)


def test_another_kind_of_tokenizer_file_names_what_it_does_not_know() -> None:
    tokenizer = tokenizers.Tokenizer(models.WordLevel({"the": 0, "bird": 1, "<unk>": 2}, "<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    pieces = Pieces(tokenizer.to_str())
    assert pieces.encode("The bird") == [0, 1]
    assert pieces.vocab == ("the", "bird", "<unk>")
    with pytest.raises(ValueError, match="'spider'"):
        pieces.encode("the spider the bird")


def test_a_tokenizer_file_without_a_token_for_the_unknown_refuses_it() -> None:
    with pytest.raises(ValueError, match="no piece"):
        Pieces(tokenizers.Tokenizer(models.WordLevel({"the": 0}, "<unk>")).to_str()).encode("a")


def test_a_tokenizer_file_that_leaves_characters_out_is_caught() -> None:
    """BPE without an unknown token drops what it has no piece for, without a word."""
    tokenizer = tokenizers.Tokenizer(models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")]))
    assert tokenizer.encode("abЖa").tokens == ["ab", "a"]
    pieces = Pieces(tokenizer.to_str())
    assert pieces.encode("ab a") == [2, 0]
    for text in ("abЖa", "Жab", "abaЖ", "Ж a "):
        with pytest.raises(ValueError, match="'Ж'"):
            pieces.encode(text)


GOOD = {"kind": "words", "vocab": ["a", "b"]}


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"[" * 100_000, b"1", b"[]", b"{}", b'{"kind": "words"}', b'{"version": "1.0", "model": {}}']
    + [json.dumps(GOOD | {"vocab": vocab}).encode() for vocab in ([], ["a", "a"], ["a b"], [""], ["a", 1], "ab", {})]
    + [json.dumps(GOOD | {"vocab": ["\ud800"]}).encode(), json.dumps(GOOD | {"more": 1}).encode()]
    + [json.dumps({"kind": "characters", "vocab": vocab}).encode() for vocab in (["a", "a"], ["a", ""], [None])]
    + [b'{"kind": "tiktoken", "name": "nowhere"}', b'{"kind": "sounds", "vocab": ["a"]}']
    + [files(BPE)[FILE][:-9], files(BPE)[FILE].replace(b'"BPE"', b'"BPF"'), files(BPE)[FILE].replace(b"256", b"99999")],
)
def test_a_damaged_file_is_refused_with_one_sentence(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]{10,200}$"):
        load(data)


@given(st.data())
def test_no_change_of_one_byte_does_worse_than_a_refusal(data: st.DataObject) -> None:
    whole = bytearray(files(data.draw(st.sampled_from([KINDS["words"], KINDS["characters"], BPE])))[FILE])
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError):
        load(bytes(whole)).encode("the")


# --- By name ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["words", "characters", "bpe", "tiktoken:own", FILE])
@pytest.mark.usefixtures("known")
def test_make(tmp_path: Path, kind: str) -> None:
    (tmp_path / FILE).write_bytes(files(BPE)[FILE])
    tokenizer = make(str(tmp_path / FILE) if kind == FILE else kind, CORPUS, 300)
    expected = KINDS[{"tiktoken:own": "tiktoken", FILE: "bpe"}.get(kind, kind)]
    assert type(tokenizer) is type(expected)
    assert tokenizer.encode(CORPUS) == expected.encode(CORPUS)


@pytest.mark.parametrize(
    ("kind", "text", "n_vocab", "why"),
    [
        ("sounds", CORPUS, 300, "sounds.*words, characters, bpe"),
        ("bpe", CORPUS, BYTES, "256 tokens are too few; 257"),
        ("bpe", " \n", 300, "no word"),
        ("words", "", 300, "no word"),
        ("characters", "a\ud800", 300, "surrogate"),
        ("nowhere/tokenizer.json", CORPUS, 300, "nowhere/tokenizer.json.*No such file"),
        ("tiktoken:nowhere", CORPUS, 300, "no encoding 'nowhere', but gpt2"),
    ],
)
def test_what_cannot_be_made_is_refused(kind: str, text: str, n_vocab: int, why: str) -> None:
    with pytest.raises(RefusalError, match=rf"^[^\n]*{why}[^\n]*\.$"):
        make(kind, text, n_vocab)


def test_an_encoding_comes_from_the_cache_or_not_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    address = "https://example.invalid/far.tiktoken"
    own = own_encoding()

    def far() -> dict[str, Any]:
        ranks = tiktoken.load.load_tiktoken_bpe(address)
        return {"name": "far", "pat_str": r"\w+|\W+", "mergeable_ranks": ranks, "special_tokens": {}}

    def no_network(*_: object) -> None:
        raise AssertionError("a file is being fetched")

    fetch = tiktoken.load.read_file
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    monkeypatch.setattr(tiktoken.registry, "ENCODING_CONSTRUCTORS", {"far": far})
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    with pytest.raises(RefusalError, match=r"^[^\n]*'far' is not in its cache, and nothing is fetched[^\n]*$"):
        make("tiktoken:far", CORPUS, 300)
    lines = [b"%s %d" % (base64.b64encode(own.decode_bytes([id])), id) for id in range(BYTES + 2)]
    (tmp_path / hashlib.sha1(address.encode()).hexdigest()).write_bytes(b"\n".join(lines))  # noqa: S324  tiktoken's choice
    assert make("tiktoken:far", CORPUS, 300).decode([257]) == "the"
    assert tiktoken.load.read_file is fetch


def test_an_encoding_that_lacks_a_byte_is_refused() -> None:
    ranks = {bytes([id]): id for id in range(255)}
    encoding = tiktoken.Encoding("short", pat_str=r"\w+|\W+", mergeable_ranks=ranks, special_tokens={})
    with pytest.raises(ValueError, match="0xFF"):
        Encoding(encoding)
