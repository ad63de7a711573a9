"""Ways to cut a text into tokens. gpt.py has the simplest, words; the others here take its place.

kind             a token is                                       decode(encode(text)) is
words            what stands between white space (gpt.Tokenizer)  " ".join(text.split())
characters       a character, by its Unicode code point           text
bpe              bytes that often follow each other in the corpus text
.../tokenizer.json  what that file says; Hugging Face's format, or ours   up to the file's own normalisation
tiktoken:NAME    what the encoding of that name says              text
resized          one of these, with as many ids as a model has    as that one has it

Only words and characters can meet what they have no id for. `vocab` is for the eye: what is invisible has a sign there,
and no two entries are the same.
"""

import contextlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gpt
from article.errors import RefusalError
from article.files import plain
from article.parallel import ExceededError, confined

if TYPE_CHECKING:
    import tiktoken


FILE = "tokenizer.json"
KINDS = "words, characters, bpe, a path that ends in tokenizer.json, or tiktoken:NAME"
SECONDS = 5  # of a processor, that a foreign tokenizer may take for a text
RATE = 50_000  # characters of a text for which it may take a second more
PLAIN = re.compile(  # parts of a tokenizer.json that take no longer, and make no more, than a text is long
    "Byte(Fallback|Level)|Bert(Normalizer|PreTokenizer|Processing)|RobertaProcessing|NFK?[CD]|Strip(Accents)?|"
    "Whitespace(Split)?|WordPiece|Digits|Fuse|Lowercase|Metaspace|Punctuation|Sequence"
)
MUCH = 1024  # tokens that a model and its tokenizer may differ in, or by half if that is more
BYTES = 256  # the pieces that byte-level BPE starts from
VISIBLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]  # bytes that stand for themselves in a piece
OTHERS = [byte for byte in range(BYTES) if byte not in VISIBLE]
LETTERS = {chr(byte): byte for byte in VISIBLE} | {chr(BYTES + n): byte for n, byte in enumerate(OTHERS)}
SIGNS = {" ": "␣", "\n": "⏎", "\t": "⇥"}
BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and symbols to Unicode, but nothing to the eye


# --- What the eye sees of a token ---------------------------------------------------------------------------------


def shown(token: str | bytes) -> str:
    r"""What stands for a token: every character visible, and bytes that are no UTF-8 by themselves as <0xE3>.

    >>> shown(" the"), shown(b"\xe3\x81"), shown("\u200b")
    ('␣the', '<0xE3><0x81>', '<U+200B>')
    """
    text = token.decode("utf-8", "surrogateescape") if isinstance(token, bytes) else token
    result = "".join(map(sign, text))
    return f"◌{result}" if unicodedata.category(result[0]).startswith("M") else result  # an accent needs a letter


def sign(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":  # how surrogateescape writes a byte that is no UTF-8
        return f"<0x{ord(letter) - 0xDC00:02X}>"
    visible = letter.isprintable() and letter not in BLANKS
    return SIGNS.get(letter, letter if visible else f"<U+{ord(letter):04X}>")


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """The names, each that was there before with its id added.

    >>> unique(["␣", "a", "␣"])
    ('␣', 'a', '␣#2')
    """
    result: dict[str, None] = {}
    for id, name in enumerate(names):
        while name in result:
            name += f"#{id}"
        result[name] = None
    return tuple(result)


def checked(text: str) -> str:
    """The text itself. Raises ValueError for half a character, which JSON and Python can write but UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the text has half of a surrogate pair, {text[error.start]!r}, at {error.start}") from None
    return text


# --- The tokenizers -----------------------------------------------------------------------------------------------


class Characters(gpt.Tokenizer):
    """Characters to ids and back. A character's id is its place in the order of first appearance."""

    def __init__(self, text: Iterable[str]) -> None:
        """Of a text, or of a list of characters, which may have signs of several letters among them, such as <eos>.

        Raises ValueError if it is empty, and for half a character.
        """
        self.alphabet = tuple(dict.fromkeys(map(checked, text)))  # id -> character
        if not all(self.alphabet) or not self.alphabet:
            raise ValueError("the text has no character")
        signs = sorted((letter for letter in self.alphabet if len(letter) > 1), key=len, reverse=True)
        self.letter = re.compile("|".join([*map(re.escape, signs), "."]), re.DOTALL)
        self.ids = {letter: id for id, letter in enumerate(self.alphabet)}
        self.vocab = unique(map(shown, self.alphabet))

    def encode(self, sentence: str) -> list[int]:
        """The ids of a text's characters. Raises ValueError for one that the corpus lacks."""
        try:
            return [self.ids[letter] for letter in self.letter.findall(sentence)]
        except KeyError as error:
            letter = error.args[0]
            raise ValueError(f"the corpus lacks the character {letter!r} (U+{ord(letter):04X})") from None

    def decode(self, ids: Iterable[int]) -> str:
        return "".join(self.alphabet[id] for id in ids)


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """Raises ValueError for whatever the library tokenizers raises.

    It has nothing narrower than Exception, and the PanicException of what it takes to be impossible is not even one.
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"{what} ({reason})") from None


def check_merges(model: dict[str, Any]) -> None:
    """Raises ValueError for pairs of BPE that join to no piece, at which the library panics."""
    prefix = model.get("continuing_subword_prefix") or ""
    for pair in model.get("merges") or ():
        one, other = pair.split(" ") if isinstance(pair, str) else pair
        if not other.startswith(prefix) or one + other.removeprefix(prefix) not in model["vocab"]:
            raise ValueError("two pieces are joined to what is no piece")


class Pieces(gpt.Tokenizer):
    """Pieces to ids and back, as a tokenizer of Hugging Face's `tokenizers` says."""

    def __init__(self, state: str, special: bool = False) -> None:
        """Of the text of a tokenizer.json; if `special`, with what it puts around a text.

        Raises ValueError for one that is damaged.
        """
        from tokenizers import Tokenizer

        with told("it is no tokenizer of the library tokenizers"):
            whole: dict[str, Any] = json.loads(state)
            kind = whole["model"]["type"]
            check_merges(whole["model"])
            self.tokenizer = Tokenizer.from_str(state)
        self.tokenizer.no_truncation()  # what the file says of batches would cut a corpus short, silently
        self.tokenizer.no_padding()
        if getattr(self.tokenizer.model, "dropout", None):
            self.tokenizer.model.dropout = None  # the same text has the same ids each time
        pieces = {id: piece for piece, id in self.tokenizer.get_vocab(with_added_tokens=True).items()}
        if not pieces or max(pieces) >= 2 * len(pieces):
            raise ValueError(f"it has {len(pieces)} tokens, and an id {max(pieces, default=0)}")
        decoder = whole.get("decoder") or {}
        bytewise = "ByteLevel" in (part.get("type") for part in (decoder, *decoder.get("decoders", [])))
        self.complete = kind != "BPE" or (bytewise and set(LETTERS) <= set(pieces.values()))
        parts = (whole.get(name) for name in ("normalizer", "pre_tokenizer", "decoder"))
        self.confined = not all(map(is_plain, parts))
        around = self.tokenizer.num_special_tokens_to_add(is_pair=False)
        if around > MUCH:
            raise ValueError(f"it puts {around:,} tokens around a text")
        self.special = special and around > 0
        self.divisible = self.complete and not self.special and divisible(whole)
        unknown = whole["model"].get("unk_token")
        self.unknown = whole["model"].get("unk_id") if unknown is None else self.tokenizer.token_to_id(unknown)
        names = (pieces.get(id, f"<unused-{id}>") for id in range(max(pieces) + 1))
        byte_of = LETTERS if bytewise else {}  # where an added token need not be bytewise, such as one with a space
        read = (bytes(map(byte_of.__getitem__, name)) if set(name) <= byte_of.keys() else name for name in names)
        self.vocab = unique(shown(name or "<empty>") for name in read)
        self.ids = {name: id for id, name in enumerate(self.vocab)}

    def encode(self, sentence: str) -> list[int]:
        """The ids of a text's pieces. Raises ValueError for what the file has no piece for, and half a character."""
        return self.held(lambda: self.ids_of(sentence), SECONDS + len(sentence) // RATE)

    def held(self, act: Callable[[], Any], seconds: int = SECONDS) -> Any:
        """What a function gives. Raises RefusalError if a foreign tokenizer takes more time or memory than it may."""
        try:
            return confined(act, seconds) if self.confined else act()
        except ExceededError:
            raise RefusalError("the tokenizer takes more time or memory than it may; name another one.") from None

    def ids_of(self, sentence: str) -> list[int]:
        text = checked(sentence)
        if self.divisible:
            parts = (self.tokenizer.encode(part, add_special_tokens=False).ids for part in stretches(text))
            return list(chain.from_iterable(parts))
        with told("the tokenizer has no piece for some of the text"):  # not even one for the unknown
            encoding = self.tokenizer.encode(text, add_special_tokens=False)
        # BPE leaves out, without a word, what it has no piece for.
        alone = () if self.complete else (letter for letter in dict.fromkeys(sentence) if not letter.isspace())
        lost = next((one for one in alone if not self.tokenizer.encode(one, add_special_tokens=False).ids), None)
        if self.unknown in encoding.ids:
            start, stop = encoding.offsets[encoding.ids.index(self.unknown)]
            lost = sentence[start:stop]
        if lost is not None:
            raise ValueError(f"the tokenizer has no piece for {lost!r}")
        return self.tokenizer.encode(text).ids if self.special else encoding.ids

    def decode(self, ids: Iterable[int]) -> str:
        known = list(ids)
        return self.held(lambda: self.tokenizer.decode(known, skip_special_tokens=False))


def divisible(state: dict[str, Any]) -> bool:
    """Whether no piece reaches from what is no white space to white space, as in GPT-2's and in `train_bpe`'s."""
    cut = state.get("pre_tokenizer") or {}
    bytewise = cut.get("type") == "ByteLevel" and cut.get("use_regex") and not cut.get("add_prefix_space")
    added = state.get("added_tokens", [])
    reach = any(one["lstrip"] or one["rstrip"] or re.search(r"\s", one["content"]) for one in added)
    return bool(bytewise) and not reach and not state.get("normalizer")


def is_plain(part: Any) -> bool:
    """Whether a part of a tokenizer.json cannot take long, or make much, of a short text, nor a part of it."""
    if not isinstance(part, dict):
        return True
    inner = chain.from_iterable(some for some in part.values() if isinstance(some, list))
    return bool(PLAIN.fullmatch(str(part.get("type")))) and all(map(is_plain, inner))


def stretches(text: str, least: int = 1 << 16) -> Iterator[str]:
    """The text in stretches of about `least` characters, each cut before white space.

    If the tokenizer is divisible, the ids stay the same, and the library, which keeps 200 bytes a byte for what it
    encodes, stays small.
    """
    start = 0
    for space in re.finditer(r"(?<=\S)(?=\s)", text):
        if space.start() - start >= least:
            yield text[start : space.start()]
            start = space.start()
    yield text[start:]


def train_bpe(text: str, n_vocab: int) -> Pieces:
    """Byte-level BPE: starts from the 256 bytes and joins the most frequent pair, until there are n_vocab pieces or no
    pair is there twice. Raises ValueError for an n_vocab that leaves no room for a pair, and for half a character.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    if n_vocab <= BYTES:
        raise ValueError(
            f"BPE starts from {BYTES} bytes, so that {n_vocab} tokens are too few; {BYTES + 1} is the least"
        )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=n_vocab, min_frequency=2, initial_alphabet=list(LETTERS), show_progress=False
    )
    tokenizer.train_from_iterator(stretches(checked(text)), trainer)
    return Pieces(tokenizer.to_str())


class Encoding(gpt.Tokenizer):
    """Pieces to ids and back, as an encoding of tiktoken says. What a text writes like a special token is none."""

    def __init__(self, encoding: "tiktoken.Encoding") -> None:
        """Raises ValueError for an encoding that lacks a byte, and so some texts."""
        self.encoding = encoding
        lacking = {bytes([byte]) for byte in range(BYTES)} - set(encoding.token_byte_values())
        if lacking:
            raise ValueError(f"the encoding lacks the byte 0x{min(lacking).hex().upper()}")
        tokens = dict.fromkeys(range(encoding.n_vocab), b"")
        tokens |= {encoding.encode_single_token(token): token for token in encoding.token_byte_values()}
        tokens |= {encoding.encode_single_token(token): token.encode() for token in encoding.special_tokens_set}
        self.vocab = unique(shown(token or f"<unused-{id}>") for id, token in tokens.items())
        self.ids = {name: id for id, name in enumerate(self.vocab)}

    def encode(self, sentence: str) -> list[int]:
        """The ids of a text's pieces. Raises ValueError for half a character."""
        return self.encoding.encode_ordinary(checked(sentence))

    def decode(self, ids: Iterable[int]) -> str:
        return self.encoding.decode(list(ids))


def encoding_of(name: str) -> Encoding:
    """The encoding of tiktoken of a name, from the files at hand. Raises ValueError where they are not."""
    import tiktoken
    from tiktoken import load

    if name not in tiktoken.list_encoding_names() and name not in tiktoken.registry.ENCODINGS:
        raise ValueError(f"tiktoken knows no encoding {name!r}, but {', '.join(tiktoken.list_encoding_names())}")
    read = load.read_file

    def read_here(path: str) -> bytes:
        if "://" in path:
            raise ValueError(
                f"the file of tiktoken's encoding {name!r} is not in its cache, and nothing is fetched from the network"
            )
        return read(path)

    load.read_file = read_here  # tiktoken has no switch for it
    try:
        return Encoding(tiktoken.get_encoding(name))
    finally:
        load.read_file = read


def near(n: int, n_vocab: int) -> bool:
    """Whether a tokenizer of n tokens may be that of a model of n_vocab: both are padded to sizes that processors like.

    >>> near(50257, 50304), near(50257, 65), near(28, 64)
    (True, False, True)
    """
    return abs(n - n_vocab) <= max(MUCH, min(n, n_vocab) // 2)


class Resized(gpt.Tokenizer):
    """Another tokenizer, with as many tokens as a model has: no text has those that are added, or left out."""

    def __init__(self, inner: gpt.Tokenizer, n_vocab: int) -> None:
        """Raises ValueError for a size that the other tokenizer has already, or that is far from it."""
        n = len(inner.vocab)
        if n == n_vocab or not near(n, n_vocab):
            raise ValueError(f"a tokenizer of {n} tokens is not made one of {n_vocab}")
        self.inner = inner
        self.vocab = unique([*inner.vocab[:n_vocab], *(f"<unused-{id}>" for id in range(n, n_vocab))])
        self.ids = {name: id for id, name in enumerate(self.vocab)}

    @property
    def note(self) -> str:
        """Which tokens that are, in a sentence."""
        n, n_vocab = len(self.inner.vocab), len(self.vocab)
        more, which = ("model", self.vocab[n:]) if n < n_vocab else ("tokenizer", self.inner.vocab[n_vocab:])
        between = which[0] if len(which) == 1 else f"{which[0]} to {which[-1]}"
        ending = "which no text has" if n < n_vocab else "which no prompt may have"
        return f"The {more} has more tokens than its {'tokenizer' if n < n_vocab else 'model'}: {between}, {ending}."

    def encode(self, sentence: str) -> list[int]:
        """The ids of a text, as the other tokenizer has them. Raises what that raises, and ValueError for a token that
        is left out.
        """
        ids = self.inner.encode(sentence)
        beyond = next((id for id in ids if id >= len(self.vocab)), None)
        if beyond is not None:
            raise ValueError(f"the model has no vector for the token {self.inner.vocab[beyond]!r}")
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids, in which a token that no text has stands with its name."""
        n, between = len(self.inner.vocab), " " if type(self.inner) is gpt.Tokenizer else ""
        parts = (
            self.inner.decode(part) if known else between.join(self.vocab[id] for id in part)
            for known, part in groupby(ids, n.__gt__)
        )
        return between.join(parts)


# --- To and from files --------------------------------------------------------------------------------------------


def make(kind: str, text: str, n_vocab: int) -> gpt.Tokenizer:
    """The tokenizer of a kind, fitted to a text where it is one to fit. Only BPE asks for the size of its vocabulary,
    and has fewer tokens when the text has too few repetitions. Raises RefusalError.
    """
    try:
        if Path(kind).name == FILE:
            return load(plain(Path(kind)).read_bytes())
        if kind.startswith("tiktoken:"):
            return encoding_of(kind.removeprefix("tiktoken:"))
        if not text.split():
            raise ValueError("the text has no word")
        makers = {
            "words": lambda: gpt.Tokenizer([checked(text)]),
            "characters": lambda: Characters(text),
            "bpe": lambda: train_bpe(text, n_vocab),
        }
        if kind not in makers:
            raise ValueError(f"this is no kind of tokenizer; one of {KINDS} is")
        return makers[kind]()
    except OSError as error:
        raise RefusalError(
            f"tokenizer {kind}: the file cannot be read: {error.strerror}; name one that is there."
        ) from None
    except ValueError as error:
        raise RefusalError(f"tokenizer {kind}: {error}.") from None


def files(tokenizer: gpt.Tokenizer) -> dict[str, bytes]:
    """What to keep of a tokenizer beside its model, by file name; `load` reads it back."""
    match tokenizer:
        case Pieces():
            state = tokenizer.tokenizer.to_str()
        case Encoding():
            state = written({"kind": "tiktoken", "name": tokenizer.encoding.name})
        case Resized():
            inner = json.loads(files(tokenizer.inner)[FILE])
            state = written({"kind": "resized", "n_vocab": len(tokenizer.vocab), "of": inner})
        case Characters():
            state = written({"kind": "characters", "vocab": tokenizer.alphabet})
        case _:
            state = written({"kind": "words", "vocab": tokenizer.vocab})
    return {FILE: state.encode()}


def written(state: dict[str, Any]) -> str:
    return json.dumps(state, ensure_ascii=False, indent=1) + "\n"


def load(data: bytes, special: bool = False) -> gpt.Tokenizer:
    """The tokenizer of a file that `files` or Hugging Face's library wrote. Raises ValueError for any other.

    If `special`, a tokenizer of Hugging Face puts around a text what it says, such as a token for its beginning.
    """
    try:
        text = data.decode()
        state = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON in UTF-8, as a tokenizer is") from None
    match state:
        case {"kind": "words" | "characters" as kind, "vocab": [str(), *_] as vocab}:
            tokens = [checked(str(token)) for token in vocab]
            tokenizer = gpt.Tokenizer(tokens) if kind == "words" else Characters(tokens)
            if json.loads(files(tokenizer)[FILE]) != state:  # a gap, a repetition, what is no string, more keys
                raise ValueError(f"its vocab is not a list of different {kind}")
            return tokenizer
        case {"kind": "tiktoken", "name": str(name)}:
            return encoding_of(name)
        case {"kind": "resized", "of": {"kind": "resized"}}:
            raise ValueError("it is resized twice")
        case {"kind": "resized", "n_vocab": int(n), "of": {} as inner, **rest} if not rest:
            return Resized(load(written(inner).encode()), n)
        case {"model": {}, "version": str()}:
            return Pieces(text, special)
        case _:
            raise ValueError(
                'it has neither a "kind" that is known here nor a "model", as a tokenizer of Hugging Face has'
            )
