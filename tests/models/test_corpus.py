"""Reading the corpus of a folder, and what is said of it: entropy, the bigram, and the floor of the loss."""

import math
import os
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from article.errors import RefusalError
from article.models.bigram import UNKNOWN, Bigram, entropy, floor, floor_of_lines, ranks
from article.models.corpus import LIMIT, Texts, read_texts

TEXT = "".join(f"the spider number {n} spins its web\n" for n in range(20))
IDS = st.lists(st.integers(0, 3), min_size=4, max_size=40)


def write(folder: Path, train: bytes | str, held_out: bytes | str | None = None) -> Path:
    for name, text in (("train.txt", train), ("held_out.txt", held_out)):
        if text is not None:
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


# --- Reading ------------------------------------------------------------------------------------------------------


def test_two_files_are_taken_as_they_are(tmp_path: Path) -> None:
    assert read_texts(write(tmp_path, TEXT, "a web of the spider")) == Texts(tmp_path.name, TEXT, "a web of the spider")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_other_systems_files_are_the_same_text(tmp_path: Path, end: str, mark: bytes) -> None:
    text = mark + TEXT.replace("\n", end).encode()
    assert read_texts(write(tmp_path, text, text)) == Texts(tmp_path.name, TEXT, TEXT)


@pytest.mark.slow
@given(st.integers(1, 50).map(lambda percent: percent / 100), st.text("ab \n", min_size=200, max_size=400))
def test_what_is_held_out_is_the_end(tmp_path_factory: pytest.TempPathFactory, share: float, text: str) -> None:
    text = f"one{text}end" + "." * 100
    texts = read_texts(write(tmp_path_factory.mktemp("corpus"), text), share)
    assert texts.train + texts.held_out == text
    assert texts.train.strip()
    assert texts.held_out.strip()
    assert share / 2 - 0.01 <= len(texts.held_out) / len(text) <= 1.5 * share + 0.01


def test_the_cut_is_at_a_line_end_or_a_space_if_one_is_near(tmp_path: Path) -> None:
    lines = read_texts(write(tmp_path, TEXT), 0.25)
    assert (lines.train.count("\n"), lines.held_out.count("\n")) == (15, 5)
    assert lines.train.endswith("\n")
    words = read_texts(write(tmp_path, "title\n" + "word " * 200), 0.25)
    assert words.train.endswith("word ")
    assert words.held_out.startswith("word ")
    assert len(words.held_out) == pytest.approx(250, abs=5)
    assert len(read_texts(write(tmp_path, "東京" * 100), 0.25).held_out) == 50


@pytest.mark.parametrize("share", [-1, 0, 0.9, 1, math.nan])
def test_a_share_that_leaves_nothing_is_refused(tmp_path: Path, share: float) -> None:
    with pytest.raises(RefusalError, match="share"):
        read_texts(write(tmp_path, TEXT), share)


@pytest.mark.parametrize(
    ("train", "held_out", "why"),
    [
        (b"", None, "train.txt is empty"),
        (b" \n\t\r\n" * 100, None, "train.txt is empty"),
        (b"\xef\xbb\xbf", None, "train.txt is empty"),
        ("spider", None, "has 6 characters; write at least 100"),
        ("spider " * 100, None, "'spider' again and again"),
        (TEXT, "", "held_out.txt is empty"),
        (TEXT, b"ab\ncaf\xe9 and more", r"held_out.txt, line 2: byte 0xE9 at 6 is not UTF-8"),
        (b"\xef\xbb\xbfab \xff" + TEXT.encode(), None, "line 1: byte 0xFF at 6 is not UTF-8"),
        (TEXT.encode("utf-16"), None, "byte 0xFF at 0 is not UTF-8"),
        (TEXT.encode("utf-16-le"), None, r"line 1: control character U\+0000"),
        (TEXT + "\x1b[0m", None, r"line 21: control character U\+001B"),
        (TEXT + "\x85", None, r"control character U\+0085"),
        (TEXT, TEXT + "\0", r"held_out.txt, line 21: control character U\+0000"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, train: bytes | str, held_out: bytes | None, why: str) -> None:
    with pytest.raises(RefusalError, match=rf"^{tmp_path}/[^\n]*{why}[^\n]*[.]$"):
        read_texts(write(tmp_path, train, held_out))


def test_what_is_no_folder_of_texts_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(TEXT)
    for folder, why in (
        (tmp_path, "train.txt cannot be read: No such"),
        (file, "is no folder"),
        (tmp_path / "x", "there"),
    ):
        with pytest.raises(RefusalError, match=why):
            read_texts(folder)
    (tmp_path / "train.txt").mkdir()
    with pytest.raises(RefusalError, match="is no file"):
        read_texts(tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(write(tmp_path, TEXT) / "held_out.txt")
    with pytest.raises(RefusalError, match=r"held_out\.txt is no file"):
        read_texts(tmp_path)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "train.txt").open("wb") as file:
        file.truncate(100_000_000)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    with pytest.raises(RefusalError, match=f"100000000 bytes.*{LIMIT}"):
        read_texts(tmp_path)
    assert time.perf_counter() - start < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB


# --- Statistics ---------------------------------------------------------------------------------------------------


@given(IDS)
def test_entropy_is_the_definition(ids: list[int]) -> None:
    shares = [count / len(ids) for count in Counter(ids).values()]
    assert entropy(np.array(ids)) == pytest.approx(-sum(share * math.log(share) for share in shares), abs=1e-12)


# --- The bigram ---------------------------------------------------------------------------------------------------


def counted_loss(train: Sequence[int], ids: Sequence[int], V: int, smoothing: float) -> float:
    """The definition, in dictionaries."""
    pairs, firsts = Counter(zip(train, train[1:], strict=False)), Counter(train[:-1])
    losses = []
    for a, b in zip(ids, ids[1:], strict=False):
        if UNKNOWN not in (a, b):
            losses.append(-math.log((pairs[a, b] + smoothing / V) / (firsts[a] + smoothing)))
    return sum(losses) / len(losses)


@given(IDS, st.lists(st.integers(UNKNOWN, 5), max_size=20), st.floats(0.01, 5))
def test_the_bigram_is_the_definition(train: list[int], ids: list[int], smoothing: float) -> None:
    ids = [*ids, 4, 5]
    bigram = Bigram.of(np.array(train), 6, smoothing)
    assert bigram.loss(np.array(ids)) == pytest.approx(counted_loss(train, ids, 6, smoothing))
    assert bigram.loss(np.array(train)) == pytest.approx(counted_loss(train, train, 6, smoothing))


@given(IDS, st.sampled_from([0.0, 1.0, 3.0]))
def test_probabilities_of_what_follows_a_token_sum_to_one(train: list[int], smoothing: float) -> None:
    bigram = Bigram.of(np.array(train), 4, smoothing)
    for a in set(train[:-1]):
        assert sum(math.exp(-bigram.loss(np.array([a, b]))) for b in range(4)) == pytest.approx(1)


def test_without_smoothing_what_is_new_is_impossible() -> None:
    bigram = Bigram.of(np.array([0, 1, 0, 1]), 3, smoothing=0)
    assert bigram.loss(np.array([0, 1, 0])) == 0
    assert bigram.loss(np.array([0, 0])) == bigram.loss(np.array([2, 0])) == math.inf


@pytest.mark.parametrize("ids", [[], [0], [0, UNKNOWN, 0]])
def test_a_loss_of_nothing_is_refused(ids: list[int]) -> None:
    with pytest.raises(ValueError, match="two tokens"):
        Bigram.of(np.array([0, 1, 0]), 2).loss(np.array(ids, np.int64))


@pytest.mark.slow
def test_a_sample_has_the_bigrams_own_loss() -> None:
    """The mean loss of a long sample is the entropy of what it is drawn from; a wrong draw has another."""
    random = Random(1)  # noqa: S311  no secret
    train = np.array([random.choice([0, 0, 0, 1, 2, 3]) for _ in range(300)])
    for smoothing in (0.0, 1.0, 500.0):
        bigram = Bigram.of(train, 5, smoothing)
        sample = np.array(bigram.sample(40_000, random))
        again = Bigram.of(sample, 5, 0)
        assert len(sample) == 40_000
        assert bigram.loss(sample) == pytest.approx(again.loss(sample), abs=2e-3)  # no bigram is better on the sample
    assert bigram.sample(0, random) == []
    state = random.getstate()
    first = bigram.sample(9, random)
    random.setstate(state)
    assert bigram.sample(9, random) == first


def test_a_large_vocabulary_takes_no_table() -> None:
    random = np.random.default_rng(1)
    bigram = Bigram.of(random.integers(0, 200_000, 10_000), 200_000)
    assert bigram.pairs.nbytes + bigram.counts.nbytes + bigram.totals.nbytes < 3_000_000
    assert math.isfinite(bigram.loss(random.integers(0, 200_000, 1_000)))


# --- The floor ----------------------------------------------------------------------------------------------------


def counted_floor(windows: Sequence[Sequence[int]]) -> float:
    """The loss of the model that has learnt by heart what follows each beginning of a window, in dictionaries."""
    after: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for window in windows:
        for t in range(1, len(window)):
            after[tuple(window[:t])][window[t]] += 1
    losses = [-count * math.log(count / counts.total()) for counts in after.values() for count in counts.values()]
    return sum(losses) / sum(max(0, len(window) - 1) for window in windows)


@given(IDS, st.integers(1, 9), st.sampled_from([1, 100_000]))
def test_the_floor_is_the_definition(ids: list[int], n_context: int, spread: int) -> None:
    ids = [id * spread for id in ids]
    n_context = min(n_context, len(ids) - 1)
    windows = [ids[at : at + n_context + 1] for at in range(len(ids) - n_context)]
    assert floor(np.array(ids), n_context) == pytest.approx(counted_floor(windows), abs=1e-12)


def filled(lines: Sequence[Sequence[int]]) -> np.ndarray:
    """Lines of ids as rows of one length."""
    most = max(map(len, lines), default=0)
    return np.array([[*line, *[UNKNOWN] * (most - len(line))] for line in lines], int).reshape(len(lines), most)


@given(st.lists(st.lists(st.integers(0, 2), max_size=7), max_size=20))
def test_the_floor_of_lines_is_the_definition(sentences: list[list[int]]) -> None:
    sentences = [*sentences, [0, 1]]
    assert floor_of_lines(filled(sentences)) == pytest.approx(counted_floor(sentences), abs=1e-12)


@given(IDS, st.integers(1, 9), st.randoms(use_true_random=False))
def test_no_bigram_is_below_the_floor(ids: list[int], n_context: int, random: Random) -> None:
    """Neither the one that is fitted to the very windows, nor any other."""
    n_context = min(n_context, len(ids) - 1)
    windows = np.lib.stride_tricks.sliding_window_view(np.array(ids), n_context + 1)
    least = floor(np.array(ids), n_context)
    assert least <= Bigram.of(windows, 4, smoothing=0).loss(windows) + 1e-12
    other = np.array([random.randrange(4) for _ in range(20)])
    assert least <= Bigram.of(other, 4).loss(windows) + 1e-12


@given(st.permutations(range(30)), st.integers(1, 29))
def test_a_text_without_repetition_has_no_floor(ids: list[int], n_context: int) -> None:
    assert floor(np.array(ids), n_context) == 0
    assert floor_of_lines(filled([ids[:n_context], ids[n_context:]])) == 0


def test_the_floor_of_coins_is_that_of_a_coin() -> None:
    """Eight throws back say nothing of the next; and of the throws of the sentences, neither."""
    ids = np.random.default_rng(1).integers(0, 2, 200_000)
    assert floor(ids, 8) == pytest.approx(math.log(2), rel=1e-3)
    assert floor_of_lines(ids.reshape(-1, 8)) == pytest.approx(math.log(2), rel=1e-2)


@given(IDS, st.integers(1, 5))
def test_ranks_are_equal_where_the_tokens_are(ids: list[int], n: int) -> None:
    n = min(n, len(ids))
    result = ranks(np.array(ids), n).tolist()
    stretches = [tuple(ids[at : at + n]) for at in range(len(ids) - n + 1)]
    assert len(result) == len(stretches)
    assert len(set(result)) == len(set(stretches)) == len(set(zip(result, stretches, strict=True)))


@pytest.mark.parametrize(("ids", "n_context"), [([], 1), ([1, 2, 3], 3)])
def test_a_text_shorter_than_a_window_is_refused(ids: list[int], n_context: int) -> None:
    with pytest.raises(ValueError, match="a window has"):
        floor(np.array(ids, np.int64), n_context)


@pytest.mark.parametrize("sentences", [[], [[]], [[1], [2]]])
def test_sentences_of_one_token_are_refused(sentences: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="no line"):
        floor_of_lines(filled(sentences))


@pytest.mark.slow
def test_a_million_tokens_take_seconds() -> None:
    ids = np.random.default_rng(1).integers(0, 500, 1_000_000)
    start = time.perf_counter()
    floor(ids, 64)
    assert time.perf_counter() - start < 10


def test_page_breaks_are_line_ends(tmp_path: Path) -> None:
    """Books as text files have form feeds."""
    (tmp_path / "train.txt").write_text("one page of words\f" * 20)
    (tmp_path / "held_out.txt").write_text("another page\fof words")
    texts = read_texts(tmp_path)
    assert (texts.train, texts.held_out) == ("one page of words\n" * 20, "another page\nof words")
