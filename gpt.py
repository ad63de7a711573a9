"""A GPT small enough to be looked at: from sentences to a trained model, and from a prompt to every number inside.

Read from top to bottom; the order of the definitions is the way of the data. The letters in the shape comments:

    B  sentences        T  tokens in a sentence     V  tokens in the vocabulary
    D  components       L  blocks                   H  attention heads
    M  hidden units of an MLP

Running this file trains the model and publishes the article about it; importing it does nothing.
"""

import runpy

if __name__ == "__main__":  # above what takes seconds to import, which -h and a mistyped option can do without
    runpy.run_module("article", run_name="__main__")
    raise SystemExit

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import vector_to_parameters
from tqdm import tqdm


@dataclass(frozen=True)
class Config:
    """Every number that shapes the model and its training."""

    n_vocab: int  # V
    n_context: int = 8  # the largest T
    n_embd: int = 20  # D
    n_layer: int = 2  # L
    n_head: int = 2  # H
    activation: str = "relu"  # of the hidden units: a key of ACTIVATIONS
    biases: bool = False  # whether queries, keys and values have them, as in GPT-2
    n_hidden: int = 0  # M; if 0, it is 4D
    tied: bool = True  # whether the embedding is its own unembedding
    epsilon: float = 1e-5  # what LayerNorm adds to the variance
    dropout: float = 0.1
    steps: int = 480
    warmup: int = 20
    learning_rate: float = 1.5e-2
    weight_decay: float = 0.5
    embedding_limit: float = 0.5  # embeddings and positions start between this and its negative
    seed: int = 1


# --- 1. Text and tokens -------------------------------------------------------------------------------------------


class Tokenizer:
    """Words to ids and back. A word's id is its place in the order of first appearance."""

    def __init__(self, corpus: Iterable[str]) -> None:
        words = (word for sentence in corpus for word in sentence.split())
        self.vocab = tuple(dict.fromkeys(words))  # id -> word
        self.ids = {word: id for id, word in enumerate(self.vocab)}

    def encode(self, sentence: str) -> list[int]:
        """The ids of a sentence's words. Raises ValueError for a word that the corpus lacks."""
        unknown = [word for word in sentence.split() if word not in self.ids]
        if unknown:
            raise ValueError(f"the corpus lacks the word {unknown[0]!r} of the sentence {sentence!r}")
        return [self.ids[word] for word in sentence.split()]

    def decode(self, ids: Iterable[int]) -> str:
        return " ".join(self.vocab[id] for id in ids)


# --- 2. The model -------------------------------------------------------------------------------------------------

# What may be done to a quantity, known by its place, before it is used: dropout while the model trains, nothing when
# it is used, and a cut when we want to know what the quantity is good for.
Edit = Callable[[str, Tensor], Tensor]

# What a part of the model computed on the way to what it writes, by name; `Trace` has the shapes.
Inside = dict[str, Tensor]


class Attention(nn.Module):
    """Lets every token read from itself and the tokens before it."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.n_head = config.n_head
        self.query = nn.Linear(config.n_embd, config.n_embd, bias=config.biases)
        self.key = nn.Linear(config.n_embd, config.n_embd, bias=config.biases)
        self.value = nn.Linear(config.n_embd, config.n_embd, bias=config.biases)
        self.project = nn.Linear(config.n_embd, config.n_embd)

    def heads(self, x: Tensor) -> Tensor:
        B, T, D = x.shape
        return x.view(B, T, self.n_head, D // self.n_head).transpose(1, 2)  # (B, H, T, D/H)

    def forward(self, x: Tensor, edit: Edit) -> tuple[Tensor, Inside]:
        query, key, value = self.heads(self.query(x)), self.heads(self.key(x)), self.heads(self.value(x))
        score = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])  # (B, H, T, T)
        future = torch.ones(score.shape[-2:], dtype=torch.bool, device=score.device).triu(1)
        pattern = score.masked_fill(future, -torch.inf).softmax(-1)  # rows (queries) sum to 1
        mixed = edit("mixed", edit("attention", pattern) @ value)  # (B, H, T, D/H)
        write = self.project(mixed.transpose(1, 2).flatten(2))  # (B, T, D)
        inside = {"query": query, "key": key, "value": value, "score": score, "attention": pattern, "mixed": mixed}
        return write, inside


def gelu_tanh(x: Tensor) -> Tensor:
    """GPT-2's approximation of GELU."""
    return F.gelu(x, approximate="tanh")


def gelu_clipped(x: Tensor) -> Tensor:
    """GELU between -10 and 10."""
    return F.gelu(x).clamp(-10, 10)


def gelu_sigmoid(x: Tensor) -> Tensor:
    """A quicker approximation of GELU."""
    return x * torch.sigmoid(1.702 * x)


ACTIVATIONS = {
    "relu": F.relu,
    "gelu": F.gelu,
    "gelu_tanh": gelu_tanh,
    "gelu_clipped": gelu_clipped,
    "gelu_sigmoid": gelu_sigmoid,
    "silu": F.silu,
    "tanh": torch.tanh,
}


class MLP(nn.Module):
    """Works on each token alone."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[config.activation]
        n_hidden = config.n_hidden or 4 * config.n_embd
        self.up = nn.Linear(config.n_embd, n_hidden)
        self.down = nn.Linear(n_hidden, config.n_embd)

    def forward(self, x: Tensor) -> tuple[Tensor, Inside]:
        up = self.up(x)  # (B, T, M)
        hidden = self.activation(up)
        return self.down(hidden), {"up": up, "hidden": hidden}


class Block(nn.Module):
    """One round of reading and working; each adds what it writes to the residual stream."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.ln_1, self.attention = nn.LayerNorm(config.n_embd, config.epsilon), Attention(config)
        self.ln_2, self.mlp = nn.LayerNorm(config.n_embd, config.epsilon), MLP(config)

    def forward(self, x: Tensor, edit: Edit) -> tuple[Tensor, Inside]:
        normed_1 = self.ln_1(x)
        write, attended = self.attention(normed_1, edit)
        attention_write = edit("write", write)
        middle = x + attention_write
        normed_2 = self.ln_2(middle)
        write, worked = self.mlp(normed_2)
        mlp_write = edit("mlp", write)
        inside = {"normed_1": normed_1, "attention_write": attention_write, "middle": middle, "normed_2": normed_2}
        return middle + mlp_write, inside | attended | worked | {"mlp_write": mlp_write}


class Pass(NamedTuple):
    """What one forward pass computed."""

    residual: list[Tensor]  # L+1 of (B, T, D); the first enters block 1, the last leaves block L
    inside: list[Inside]  # of each block
    normed: Tensor  # (B, T, D); the last of them after ln_f
    unembedding: Tensor  # (D, V)

    @property
    def logits(self) -> Tensor:
        """What the model answers (B, T, V): how well the last vectors fit the unembedding of each token."""
        return self.normed @ self.unembedding

    @property
    def attention(self) -> Tensor:
        """The patterns (L, B, H, T, T) of all blocks; query by key."""
        return torch.stack([block["attention"] for block in self.inside])


class GPT(nn.Module):
    """A decoder-only Transformer, with LayerNorm before each sub-layer; its embedding may be its own unembedding."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.n_vocab, config.n_embd)
        self.position = nn.Embedding(config.n_context, config.n_embd)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.ln_f = nn.LayerNorm(config.n_embd, config.epsilon)
        self.unembed = None if config.tied else nn.Linear(config.n_embd, config.n_vocab, bias=False)

    def forward(self, ids: Tensor, edit: Edit = lambda _, x: x) -> Pass:
        """The whole way of a batch of ids (B, T) to the logits, with everything in between that we want to see.

        The places that can be edited are "entry", and in block l "attention/l", "mixed/l", "write/l" and "mlp/l".
        """
        x = edit("entry", self.embedding(ids) + self.position.weight[: ids.shape[1]])  # (B, T, D)
        residual, inside = [x], []
        for l, block in enumerate(self.blocks):
            x, computed = block(x, lambda place, x, l=l: edit(f"{place}/{l}", x))
            residual.append(x)
            inside.append(computed)
        normed = self.ln_f(x)
        unembedding = (self.unembed or self.embedding).weight.T
        if not torch.is_grad_enabled():  # a pass that is only looked at has no gradients, nor what is made of it later
            unembedding = unembedding.detach()
        return Pass(residual, inside, normed, unembedding)


# --- 3. Training --------------------------------------------------------------------------------------------------

NO_TARGET = -1
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # of AdamW: how much of its means is kept at a step
GRID = 2.0**16  # weights are multiples of 1 / GRID


def batch(tokenizer: Tokenizer, corpus: Sequence[str]) -> tuple[Tensor, Tensor]:
    """All sentences as ids (B, T) and, for each, the id that follows (B, T).

    Short sentences are filled up on the right. What is filled in is never a target, and no earlier token can see it.
    """
    sentences = [torch.tensor(tokenizer.encode(sentence)) for sentence in corpus]
    ids = nn.utils.rnn.pad_sequence([s[:-1] for s in sentences], batch_first=True)
    targets = nn.utils.rnn.pad_sequence([s[1:] for s in sentences], batch_first=True, padding_value=NO_TARGET)
    return ids, targets


def loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean surprise at the next token, in nats: the cross-entropy over all targets."""
    return F.cross_entropy(logits.flatten(0, -2), targets.flatten(), ignore_index=NO_TARGET)


def initialise(model: GPT, embedding_limit: float, random: torch.Generator) -> None:
    """Draws every matrix from a uniform distribution; biases start at 0 and the gains of LayerNorm at 1.

    Only `torch.rand` is used here and below: its stream of numbers is the same on every platform.
    """
    for module in model.modules():
        if isinstance(module, nn.Embedding | nn.Linear):
            limit = embedding_limit if isinstance(module, nn.Embedding) else 1 / math.sqrt(module.in_features)
            uniform = torch.rand(module.weight.shape, generator=random, dtype=module.weight.dtype)
            module.weight.data = (2 * uniform - 1) * limit
        if isinstance(module, nn.Linear) and module.bias is not None:
            module.bias.data.zero_()


def decays(name: str) -> bool:
    """Whether a weight decays: the matrices inside the blocks do, the positions and the final gain; no other.

    So the model is led to keep its numbers in the embedding, and all vectors that it works with are of one size.
    """
    return name.endswith("weight") and name != "embedding.weight" and ".ln_" not in name


def learning_rate(config: Config, step: int) -> float:
    """It rises over the warm-up, then falls to zero."""
    return config.learning_rate * min((step + 1) / config.warmup, 1 - step / config.steps)


class AdamW:
    """How the weights follow their gradients: Loshchilov and Hutter, algorithm 2 (https://arxiv.org/abs/1711.05101).

    All weights lie in one vector (n,), of which those of the model become parts.
    """

    def __init__(self, weights: Mapping[str, Tensor], config: Config) -> None:
        self.config, self.weights = config, list(weights.values())
        self.vector = torch.cat([weight.detach().flatten() for weight in self.weights])
        vector_to_parameters(self.vector, self.weights)
        rates = [torch.full_like(w, config.weight_decay * decays(name)).flatten() for name, w in weights.items()]
        self.decay = torch.cat(rates)
        self.mean = torch.zeros_like(self.vector)  # of the gradients, the last ones counting most
        self.square = torch.zeros_like(self.vector)  # of their squares

    def step(self, n: int, gradients: Sequence[Tensor]) -> None:
        """Step n, counted from 0: each weight moves by about the learning rate, however large its gradient is.

        Then all are rounded to the grid. That throws away the last bits, in which processors differ, before training
        can amplify them.
        """
        rate = learning_rate(self.config, n)
        gradient = torch.cat([part.flatten() for part in gradients])
        self.mean.lerp_(gradient, 1 - BETA_1)
        self.square.lerp_(gradient * gradient, 1 - BETA_2)
        mean, square = self.mean / (1 - BETA_1 ** (n + 1)), self.square / (1 - BETA_2 ** (n + 1))  # both began at 0
        self.vector -= rate * (mean / (square.sqrt() + EPSILON) + self.decay * self.vector)
        self.vector.mul_(GRID).round_().mul_(1 / GRID)


def train(
    config: Config,
    tokenizer: Tokenizer,
    corpus: Sequence[str],
    watch: Callable[[int, GPT], None] = lambda *_: None,
) -> GPT:
    """A model trained on the whole corpus at every step, in float64.

    The same configuration and corpus give the same weights on every machine, to the last bit. Who wants to `watch` is
    shown the model before each step and after the last one.
    """
    random = torch.Generator().manual_seed(config.seed)
    model = GPT(config).double()
    initialise(model, config.embedding_limit, random)
    adamw = AdamW(dict(model.named_parameters()), config)
    ids, targets = batch(tokenizer, corpus)

    def drop(place: str, x: Tensor) -> Tensor:
        if place.startswith("mixed"):  # part of what attention writes, which is dropped out later
            return x
        kept = torch.rand(x.shape, generator=random, dtype=x.dtype) >= config.dropout
        return x * (kept.to(x.dtype) / (1 - config.dropout))

    for step in tqdm(range(config.steps), desc="training", unit=" steps", leave=False, disable=None):
        watch(step, model)
        gradients = torch.autograd.grad(loss(model(ids, drop).logits, targets), adamw.weights)
        adamw.step(step, gradients)
    watch(config.steps, model)
    return model


# --- 4. A look inside ---------------------------------------------------------------------------------------------


def softmax(logits: np.ndarray) -> np.ndarray:
    """Logits (..., V) as the probabilities of the tokens."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Trace:
    """Everything that one forward pass of one sentence computed, as numpy arrays of the model's own precision."""

    sentence: str
    tokens: tuple[str, ...]  # T
    vocab: tuple[str, ...]  # V
    weights: str  # SHA-256 of the model's parameters
    activation: str  # of the hidden units, a key of ACTIVATIONS
    embedding: np.ndarray  # (V, D)
    position: np.ndarray  # (T, D)
    residual: np.ndarray  # (L+1, T, D); residual[0] = embedding + position, residual[l] leaves block l-1
    normed_1: np.ndarray  # (L, T, D); what attention reads: ln_1(residual[l])
    query: np.ndarray  # (L, H, T, D/H)
    key: np.ndarray  # (L, H, T, D/H)
    value: np.ndarray  # (L, H, T, D/H)
    score: np.ndarray  # (L, H, T, T); query by key, before the mask
    attention: np.ndarray  # (L, H, T, T); query by key, each row sums to 1
    mixed: np.ndarray  # (L, H, T, D/H); the values, mixed by attention
    head_write: np.ndarray  # (L, H, T, D); the part of attention's write that comes from each head
    attention_write: np.ndarray  # (L, T, D); all heads' and a bias
    middle: np.ndarray  # (L, T, D); the residual stream between attention and MLP
    normed_2: np.ndarray  # (L, T, D); what the MLP reads: ln_2(middle)
    up: np.ndarray  # (L, T, M); the hidden units before the activation
    hidden: np.ndarray  # (L, T, M); after it
    mlp_write: np.ndarray  # (L, T, D); residual[l+1] = residual[l] + attention_write[l] + mlp_write[l]
    gain: np.ndarray  # (D,); of ln_f
    bias: np.ndarray  # (D,); of ln_f
    normed: np.ndarray  # (L+1, T, D); ln_f(residual); normed[-1] is what the unembedding reads
    lens: np.ndarray  # (L+1, T, V); unembed(residual); lens[-1] are the logits
    epsilon: float = 1e-5  # what LayerNorm adds to the variance
    unembed: np.ndarray | None = None  # (V, D); none if the embedding is its own unembedding

    def id(self, token: str) -> int:
        """The id of a token. Raises ValueError for one that the vocabulary lacks."""
        if token not in self.vocab:
            raise ValueError(f"the corpus lacks the word {token!r}")
        return self.vocab.index(token)

    @property
    def unembedding(self) -> np.ndarray:
        """What the last vectors are compared with (V, D)."""
        return self.embedding if self.unembed is None else self.unembed

    @property
    def probabilities(self) -> np.ndarray:
        """Of the next token, as each level of the residual stream reads (L+1, T, V)."""
        return softmax(self.lens)

    def probability(self, token: str, level: int = -1, t: int = -1) -> float:
        """The probability of a token after token t, as the residual stream says at a level; by default the last."""
        return float(softmax(self.lens[level, t])[self.id(token)])

    @property
    def prediction(self) -> str:
        """The most probable next token."""
        return self.vocab[int(self.lens[-1, -1].argmax())]


def fingerprint(model: GPT) -> str:
    """SHA-256 of all parameters, in the order of their definition."""
    digest = hashlib.sha256()
    for weight in model.parameters():
        digest.update(weight.detach().contiguous().numpy().data)
    return digest.hexdigest()


@torch.no_grad()
def trace(model: GPT, tokenizer: Tokenizer, sentence: str) -> Trace:
    """Records the forward pass of one sentence. Raises ValueError for an unknown word."""
    ids = tokenizer.encode(sentence)
    recorded = model(torch.tensor([ids]))
    residual = torch.stack(recorded.residual)
    normed = model.ln_f(residual)
    lens = normed @ recorded.unembedding  # what the model would answer at each level
    inside = {name: torch.cat([block[name] for block in recorded.inside]) for name in recorded.inside[0]}
    # The matrix that projects the heads' values, put side by side, is a matrix for each of them.
    L, H, _, size = inside["mixed"].shape
    projects = torch.stack([model.get_parameter(f"blocks.{l}.attention.project.weight") for l in range(L)])
    inside["head_write"] = inside["mixed"] @ projects.view(L, -1, H, size).permute(0, 2, 3, 1)
    whole = {"residual": residual, "normed": normed, "lens": lens}
    weights = {"embedding": model.embedding.weight, "position": model.position.weight[: len(ids)]}
    weights |= {"gain": model.ln_f.weight, "bias": model.ln_f.bias}
    weights |= {"unembed": model.unembed.weight} if model.unembed else {}
    return Trace(
        sentence=sentence,
        tokens=tuple(tokenizer.vocab[id] for id in ids),
        vocab=tokenizer.vocab,
        weights=fingerprint(model),
        activation=model.config.activation,
        epsilon=model.config.epsilon,
        **{name: tensor.squeeze(1).numpy() for name, tensor in whole.items()},
        **{name: tensor.numpy() for name, tensor in inside.items()},
        **{name: tensor.numpy().copy() for name, tensor in weights.items()},
    )
