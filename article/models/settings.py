"""Everything that decides a run but its text: what the model is like, how it is trained, and on what parts.

Settings come from a preset, a TOML file, and options, each overruling the one before; they are written next to the
results, so that the run can be repeated.
"""

import difflib
import json
import math
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from article.errors import RefusalError
from article.files import plain

SEEDS = 2**32  # the whole numbers below; of larger ones, torch's generator takes the lower 32 bits
MOST = 2**31 - 1  # of any other whole number
LONGEST = 60  # letters of a value in an error

if TYPE_CHECKING:
    import gpt


def setting(default: Any, words: str, least: float | None = None, most: float = math.inf, among: tuple = ()) -> Any:
    """A field: what it means, and what it can be."""
    return field(default=default, metadata={"words": words, "least": least, "most": most, "among": among})


@dataclass(frozen=True)
class Settings:
    """The settings of a run on sentences, one a line; `WINDOWS`, in windows.toml, has those for longer texts."""

    tokenizer: str = setting("words", "words, characters, bpe, a tokenizer.json, or tiktoken:NAME")
    n_vocab: int = setting(0, "the most tokens that the vocabulary may have; 0: as many as there are, of bpe 512", 0)
    examples: str = setting(
        "lines", "what the model reads at once: lines, or windows of the whole text", among=("lines", "windows")
    )
    share: float = setting(0.1, "the share of train.txt that is held out where there is no held_out.txt", 0.0, 0.5)
    n_context: int = setting(0, "the most tokens that the model reads; 0: as the longest line needs", 0)
    n_embd: int = setting(20, "components of a vector", 1)
    n_layer: int = setting(2, "blocks", 1)
    n_head: int = setting(2, "heads of a block; they share the components", 1)
    activation: str = setting("relu", "of the hidden units", among=("relu", "gelu"))
    dropout: float = setting(0.15, "the share of numbers dropped in training", 0.0, 0.9)
    embedding_limit: float = setting(0.5, "embeddings and positions start between this and its negative", 0.0)
    steps: int = setting(720, "steps of the training", 1)
    batch_size: int = setting(0, "lines or windows a step; 0: all lines", 0)
    accumulate: int = setting(1, "parts that the batch of a step is computed in, one after the other", 1)
    learning_rate: float = setting(1e-2, "the highest one", 0.0)
    warmup: int = setting(20, "steps until it is reached", 0)
    schedule: str = setting(
        "linear", "how it falls after that: linear to 0, or cosine to a tenth", among=("linear", "cosine")
    )
    weight_decay: float = setting(0.5, "of the matrices inside the blocks", 0.0)
    clip: float = setting(0.0, "the most that the norm of all gradients may be; 0: whatever it is", 0.0)
    eval_every: int = setting(100, "steps from one evaluation, with a sample, to the next", 1)
    patience: int = setting(0, "evaluations without a better held-out loss after which to stop; 0: never", 0)
    save_every: int = setting(100, "steps after which a killed run can go on", 1)
    dtype: str = setting("float64", "of the weights in training", among=("float32", "float64"))
    seed: int = setting(1, "of all random numbers", 0, SEEDS - 1)

    def config(self, n_vocab: int) -> "gpt.Config":
        """The configuration of the model. Raises RefusalError for parts that do not fit each other."""
        import gpt

        names = {field.name for field in fields(gpt.Config)} & {field.name for field in fields(self)} - {"n_vocab"}
        return gpt.Config(n_vocab, **{name: getattr(self, name) for name in names})


WINDOWS = Settings(**tomllib.loads(Path(__file__).with_name("windows.toml").read_text("utf-8")))
FIELDS = {field.name: field for field in fields(Settings)}


def settle(given: Mapping[str, Any], preset: Settings, where: str = "") -> Settings:
    """A preset with what is given in its place, all checked. `where` names the source in errors.

    Raises RefusalError for an unknown name, a value of the wrong kind or size, and parts that do not fit each other.
    """
    for name, value in given.items():
        if name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(FIELDS)}."
            raise RefusalError(f"{where}there is no setting {name!r}; {hint}")
        problem = unfit(value, FIELDS[name])
        if problem:
            said = json.dumps(value, default=str)
            said = said if len(said) <= LONGEST else f"{said[:LONGEST]}…"
            raise RefusalError(f"{where}{name} = {said}: it must be {problem}.")
    result = replace(preset, **{name: type(FIELDS[name].default)(value) for name, value in given.items()})
    D, H, T, B, parts = result.n_embd, result.n_head, result.n_context, result.batch_size, result.accumulate
    windows = result.examples == "windows"
    problems = {
        f"n_embd = {D} cannot be shared by n_head = {H} heads; the heads must divide the components.": D % H,
        f"n_context = {T}: a window needs at least 2 tokens.": T == 1 or (windows and not T),
        "batch_size = 0 means all lines, but the examples are windows; name a number.": windows and not B,
        f"accumulate = {parts} is more than batch_size = {B}; each part needs an example.": 0 < B < parts,
    }
    if problem := next((problem for problem, there in problems.items() if there), ""):
        raise RefusalError(where + problem)
    return result


def unfit(value: Any, field: Any) -> str:
    """What a value should have been, if it is not that."""
    kind, rule = type(field.default), field.metadata
    if kind is str:
        if rule["among"] and value not in rule["among"]:
            return " or ".join(map(repr, rule["among"]))
        return "" if isinstance(value, str) and value else "a text"
    name = "a whole number" if kind is int else "a number"
    right = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    most = MOST if right and kind is int and value > MOST and rule["most"] == math.inf else rule["most"]
    size = f" from {rule['least']} to {most}" if most < math.inf else f", {rule['least']} or more"
    return "" if right and rule["least"] <= value <= most and value <= sys.float_info.max else name + size


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file sets. Raises RefusalError for one that cannot be read or is no TOML."""
    try:
        return tomllib.loads(plain(path).read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise RefusalError(f"{path} cannot be read: {error.strerror}; name a TOML file with --config.") from None
    except (ValueError, RecursionError) as error:  # the second for lists in lists in lists
        raise RefusalError(f"{path} is no TOML: {error}.") from None


def to_toml(settings: Settings) -> str:
    """The settings as a TOML file, each with its meaning; `read_toml` and `settle` give them back."""
    lines = [
        f"{name} = {json.dumps(value, ensure_ascii=False)}  # {FIELDS[name].metadata['words']}"
        for name, value in asdict(settings).items()
    ]
    lines = [line.replace("\x7f", "\\u007f") for line in lines]  # the one character that JSON takes and TOML does not
    return "\n".join(["# python gpt.py --data DIR --out SITE --config config.toml  repeats this run", *lines, ""])
