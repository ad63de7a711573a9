"""The tokenizers of checkpoints: the ids that their own programs give, and names for what has none."""

import json
import pickle  # noqa: TID251 - to write what is refused
from collections.abc import Callable
from typing import Any

import pytest
import tiktoken.registry

import gpt
from article import __main__
from article.errors import RefusalError
from article.models import loading, prompts, tokenizers
from tests.models.checkpoints import (
    BPE,
    LETTERS,
    SIZES,
    TEXT,
    answers_alike,
    library,
    nano_weights,
    save_family,
    save_nano,
)
from tests.models.test_tokenizers import own_encoding


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


@pytest.mark.slow
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


@pytest.mark.skipif("sys.platform != 'linux'", reason="only Linux holds a process to its limits")
def test_a_text_that_is_trained_on_is_cut_within_the_same_limits():
    change, says = HOSTILE["expansion"]
    state = json.loads(tokenizers.files(BPE)["tokenizer.json"]) | change
    with pytest.raises(RefusalError, match=says):
        tokenizers.load(json.dumps(state).encode()).encode("a cat")


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
