"""What comes from elsewhere acts on no terminal and no spreadsheet."""

import csv
import io
import pickle  # noqa: TID251 - to write nanoGPT's meta.pkl
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gpt
from article.__main__ import main
from article.escaping import PICTURES, harmless, to_cell
from scenes.analysis.stages import stages, to_csv
from tests.models.checkpoints import LETTERS, save_nano

HOSTILE = ("\x1b[31m", "a\rb", "\x07", "\u202eabc", "\x9b2J")  # colour, a return, a bell, a turn of the direction


@given(st.text())
def test_what_is_printed_acts_on_nothing(text):
    said = harmless(text)
    assert not any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\t" for letter in said)
    assert harmless(said) == said
    assert said.count("\n") == text.count("\n")
    said.encode()


@given(st.text())
def test_no_text_is_a_formula(text):
    """And whoever takes the apostrophe away has the text."""
    cell = to_cell(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell.removeprefix("'") == text.removeprefix("'").translate(PICTURES)


def test_tokens_of_a_table_are_texts_and_its_numbers_numbers(trace):
    """Tokens that look like formulas have an apostrophe; a negative number has none."""
    words = ("=1+1", "+x", "-y", "@z", *trace.vocab[4:])
    hostile = replace(trace, vocab=words, tokens=tuple(words[trace.id(token)] for token in trace.tokens))
    for stage in stages(hostile):
        head, *rows = csv.reader(io.StringIO(to_csv(stage)))
        names = [*head, *(cell for row in rows for cell in row[: len(stage.axes) - 1 or 1])]
        assert not any(name.startswith(("=", "+", "-", "@")) for name in names), stage.id
        numbers = [float(row[-1]) for row in rows]
        assert min(numbers) < 0 or (stage.values >= 0).all()


@pytest.mark.parametrize("command", [["generate"], ["generate", "--quiet"], ["explain"], ["flow"], ["trace"]])
def test_no_command_lets_a_model_s_words_act(command, tmp_path, capsys):
    """Not in what it prints of them, nor in what it says when it refuses."""
    alphabet = "".join(dict.fromkeys("".join(HOSTILE) + "cdefghijklmnopqrstuvw"))[: len(LETTERS)]
    save_nano(tmp_path)
    meta = {"vocab_size": len(alphabet), "itos": dict(enumerate(alphabet))}
    meta["stoi"] = {letter: id for id, letter in enumerate(alphabet)}
    (tmp_path / "meta.pkl").write_bytes(pickle.dumps(meta))
    out = {"flow": ["--out", tmp_path / "x\x1b[1m"], "trace": ["--out", tmp_path / "x\x1b.npz"]}.get(command[0], [])
    for prompt in (*HOSTILE, "\x1b]0;title\x07!"):
        main([str(part) for part in [command[0], prompt, "--checkpoint", tmp_path / "ckpt.pt", *command[1:], *out]])
        said = "".join(capsys.readouterr())
        assert said
        assert not [letter for letter in said if unicodedata.category(letter) == "Cc" and letter not in "\n\t"]


def test_the_corpus_may_hold_them_no_more_than_before():
    """Words with controls in them are words: `gpt.Tokenizer` cuts at white space alone."""
    assert gpt.Tokenizer(["\x1b[31m is red"]).vocab == ("\x1b[31m", "is", "red")
