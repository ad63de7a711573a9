"""What a scene is built from: a trace, and what is derived from it, with the words for all its arrays."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import gpt
from scenes.words import Index, Table, Words, by_token, level_by_token, level_name, plain, query_by_key, unnamed


def entering(_: Any, index: Index) -> str:
    """How a vector of the residual stream came about."""
    summed = f"what entered block {index[0]}, plus what its attention and its MLP wrote"
    return summed if index[0] else "the sum of embedding and position"


def of_head(what: str) -> Callable[[Any, Index], str]:
    return lambda s, i: f"{what} of {s.tokens[i[2]]}"


def of_unit(when: str, how: str) -> Words:
    """The words for hidden units at such a time."""
    return Words(
        lambda _, i: f"unit {i[2] + 1} of block {i[0] + 1}, {when}",
        how,
        parts=plain,
        table=Table(
            lambda *_: f"Hidden units {when}",
            "unit",
            lambda _, i, __: ((i[2], str(i[2] + 1)), (i[0], f"block {i[0] + 1}")),
        ),
    )


WORDS = {
    "embedding": Words(
        lambda s, i: s.vocab[i[0]], "a learned number: the token's row in the table of embeddings", title="Embedding"
    ),
    "unembedding": Words(
        lambda s, i: s.vocab[i[0]],
        "a learned number: the token's row in that table",
        title="Unembedding",
    ),
    "position": Words(
        lambda _, i: f"position {i[0] + 1}", "a learned number: the vector of this place in the sentence"
    ),
    "residual": Words(
        lambda s, i: f"{s.tokens[i[1]]}, {level_name(i[0])}",
        entering,
        table=by_token(lambda i: f"Residual stream, {level_name(i[0])}", 1),
    ),
    "normed": Words(
        lambda s, i: f"{s.tokens[i[1]]}, after the final LayerNorm",
        "the residual stream at one mean and one size, × gain + bias",
        table=by_token(lambda _: "After the final LayerNorm", 1),
    ),
    "query": Words(of_head("query"), "the token's vector, after LayerNorm, times the matrix of queries", 2),
    "key": Words(of_head("key"), "the token's vector, after LayerNorm, times the matrix of keys", 2),
    "value": Words(of_head("value"), "the token's vector, after LayerNorm, times the matrix of values", 2),
    "score": Words(
        lambda s, i: f"score of {s.tokens[i[2]]} for {s.tokens[i[3]]}",
        "the sum of query × key, divided by the root of their length",
        2,
        plain,
        query_by_key(lambda _: "Scores"),
    ),
    "attention": Words(
        lambda s, i: f"{s.tokens[i[2]]} looks at {s.tokens[i[3]]}",
        "the softmax of the scores that the mask leaves",
        2,
        plain,
        query_by_key(lambda i: f"Attention in block {i[0] + 1}, head {i[1] + 1}", 2),
    ),
    "mixed": Words(
        lambda s, i: f"mixed for {s.tokens[i[2]]}", "the sum of all values, each times its attention weight", 2
    ),
    "head_write": Words(
        lambda _, i: f"block {i[0] + 1}, head {i[1] + 1} writes",
        "the mixed values times the head's part of the projection",
    ),
    "attention_write": Words(lambda _, i: f"attention {i[0] + 1} writes", "the writes of all heads, plus a bias"),
    "normed_2": Words(
        lambda _, i: f"LayerNorm in block {i[0] + 1}",
        "the stream after attention, at one mean and one size, × gain + bias",
    ),
    "up": of_unit("before ReLU", "what the MLP reads times its first matrix, plus a bias"),
    "hidden": of_unit("after ReLU", "the hidden unit where it is positive, else 0"),
    "mlp_write": Words(lambda _, i: f"MLP {i[0] + 1} writes", "the hidden units times the second matrix, plus a bias"),
    "probabilities": Words(
        lambda s, i: f"{s.vocab[i[2]]}, {level_name(i[0])}",
        "the softmax of the logits that the stream gives there",
        0,
        plain,
        level_by_token("Probabilities"),
    ),
}


@dataclass(frozen=True)
class View:
    """A trace, whose arrays and answers it passes on as its own; those that derive from it add theirs."""

    words: ClassVar[dict[str, Words]] = WORDS  # for its arrays
    trace: gpt.Trace

    def __getattr__(self, name: str) -> Any:  # of what neither the view nor its class has
        if name == "trace" or name.startswith("__"):  # as while a copy is made, when there is none yet
            raise AttributeError(name)
        return getattr(self.trace, name)

    def words_of(self, array: str) -> Words:
        """The words for an array; if there are none, its name."""
        return self.words.get(array) or unnamed(array)
