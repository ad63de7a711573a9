"""Many trainings of one model, which differ in their seeds alone; what was trained once is kept.

The models are stacked, and `torch.func.vmap` takes all of them through `gpt.GPT.forward` at once. Each draws its random
numbers from a generator of its own, in the order in which `gpt.train` draws them, and gets the same weights.
"""

import json
import math
import multiprocessing
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from tqdm import tqdm

import gpt
from article import cache
from article.errors import RefusalError
from article.parallel import processors

FEWEST = 4  # trainings that are worth a processor of their own
KEPT_RECIPES = 16  # older ones go


@dataclass(frozen=True)
class Recipe:
    """How a model is trained. Without more than a configuration, as `gpt.train` does it."""

    config: gpt.Config
    padding_is_target: bool = False  # sentences are filled up to the context with a token that is to be predicted
    sampled: int = 0  # sentences drawn for each step, instead of the whole corpus
    plain: bool = False  # AdamW as it comes: one learning rate, one weight decay, no grid
    dtype: torch.dtype = torch.float64


def trainings(
    recipe: Recipe, tokenizer: gpt.Tokenizer, corpus: Sequence[str], seeds: Sequence[int], fresh: bool = False
) -> list[gpt.GPT]:
    """The trained models of all seeds, in their order. What is kept of the same recipe is not trained again.

    With `fresh`, nothing kept is used. Whatever is trained is kept.
    """
    torch.set_num_threads(1)  # the model is too small to share
    folder = folder_of(recipe, corpus)
    recipe = padded(recipe)
    kept = {} if fresh else {seed: cache.load_arrays(folder / f"{seed}.npz") for seed in seeds}
    found = {seed: arrays["weights"] for seed, arrays in kept.items() if arrays is not None}
    missing = [seed for seed in dict.fromkeys(seeds) if seed not in found]
    trained = train_in_parallel(recipe, tokenizer, corpus, missing) if missing else []
    for seed, weights in zip(missing, trained, strict=True):
        keep(folder, seed, weights)
        found[seed] = weights
    cache.use(folder)
    return [restore(recipe.config, found[seed]) for seed in seeds]


def train_in_parallel(
    recipe: Recipe, tokenizer: gpt.Tokenizer, corpus: Sequence[str], seeds: Sequence[int]
) -> list[np.ndarray]:
    """The weights of all seeds (n,), trained on all processors that this process may use.

    Raises RefusalError if a process that trains is ended from outside: a pool that begins another waits for ever.
    """
    if len(seeds) == 1 and recipe == Recipe(recipe.config):  # alone, a model is faster without the stack
        model = gpt.train(replace(recipe.config, seed=seeds[0]), tokenizer, corpus)
        return [nn.utils.parameters_to_vector(model.parameters()).detach().numpy()]
    parts = min(processors(), math.ceil(len(seeds) / FEWEST))
    shares = [list(seeds[part::parts]) for part in range(parts)]
    if parts == 1:
        return list(train_all(recipe, tokenizer, corpus, seeds))
    # Forked from a process in which torch has run, a child may wait for threads that it does not have.
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(parts - 1, spawned, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        try:
            others = [pool.submit(train_all, recipe, tokenizer, corpus, share, False) for share in shares[1:]]
            done = [train_all(recipe, tokenizer, corpus, shares[0]), *(other.result() for other in others)]
        except BrokenProcessPool:
            raise RefusalError(
                "A process that trained was ended from outside, for want of memory perhaps; build again, with fewer "
                "--seeds if need be."
            ) from None
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise
    result = dict(zip((seed for share in shares for seed in share), np.concatenate(done), strict=True))
    return [result[seed] for seed in seeds]


def train_all(
    recipe: Recipe, tokenizer: gpt.Tokenizer, corpus: Sequence[str], seeds: Sequence[int], progress: bool = True
) -> np.ndarray:
    """The weights of all seeds (S, n), each row that of `gpt.train` in the order of the model's parameters."""
    torch.set_num_threads(1)
    config = recipe.config
    randoms = [torch.Generator().manual_seed(seed) for seed in seeds]
    models = [gpt.GPT(config).double() for _ in seeds]
    for model, random in zip(models, randoms, strict=True):
        gpt.initialise(model, config.embedding_limit, random)
    state, _ = stack_module_state([model.to(recipe.dtype) for model in models])
    weights = {name: weight.detach().requires_grad_() for name, weight in state.items()}
    follow = follow_plainly(weights, config) if recipe.plain else gpt.AdamW(weights, config).step
    ids, targets = batch(recipe, tokenizer, corpus)
    model, sizes = models[0], masks(config, recipe.sampled or len(ids), ids.shape[1])

    def loss(weights: dict[str, Tensor], ids: Tensor, targets: Tensor, kept: dict[str, Tensor]) -> Tensor:
        def drop(place: str, x: Tensor) -> Tensor:
            return x * kept[place] if place in kept else x

        return gpt.loss(functional_call(model, weights, (ids, drop)).logits, targets)

    losses = vmap(loss, in_dims=(0, 0 if recipe.sampled else None, 0 if recipe.sampled else None, 0))
    numbers = [math.prod(size) for size in sizes.values()]
    steps = range(config.steps)
    if progress:
        steps = tqdm(steps, f"{len(seeds)} trainings", unit=" steps", leave=False, disable=None)
    for step in steps:
        if recipe.sampled:
            draws = torch.stack([torch.rand(recipe.sampled, generator=random) for random in randoms])
            rows = (draws * len(ids)).long()
            shown, wanted = ids[rows], targets[rows]
        else:
            shown, wanted = ids, targets
        drawn = torch.stack([torch.rand(sum(numbers), generator=random, dtype=torch.float64) for random in randoms])
        kept = (drawn >= config.dropout).to(recipe.dtype) * (1 / (1 - config.dropout))
        parts = kept.split(numbers, dim=1)
        shaped = {place: part.view(-1, *size) for (place, size), part in zip(sizes.items(), parts, strict=True)}
        surprise = losses(weights, shown, wanted, shaped).sum()
        follow(step, torch.autograd.grad(surprise, list(weights.values())))
    flat = [weight.detach().double().flatten(1).numpy() for weight in weights.values()]
    return np.concatenate(flat, axis=1)


def follow_plainly(weights: Mapping[str, Tensor], config: gpt.Config) -> Callable[[int, Sequence[Tensor]], None]:
    """A step of AdamW as torch has it, at one learning rate."""
    optimizer = torch.optim.AdamW(weights.values(), lr=config.learning_rate, fused=True)

    def follow(_: int, gradients: Sequence[Tensor]) -> None:
        for weight, gradient in zip(weights.values(), gradients, strict=True):
            weight.grad = gradient.contiguous()  # as the weight is, for what is fused looks at neither's strides
        optimizer.step()

    return follow


def masks(config: gpt.Config, B: int, T: int) -> dict[str, tuple[int, ...]]:
    """The sizes of what `gpt.train` drops out, by place and in its order."""
    D, H = config.n_embd, config.n_head
    sizes: dict[str, tuple[int, ...]] = {"entry": (B, T, D)}
    for l in range(config.n_layer):
        sizes |= {f"attention/{l}": (B, H, T, T), f"write/{l}": (B, T, D), f"mlp/{l}": (B, T, D)}
    return sizes


def padded(recipe: Recipe) -> Recipe:
    """The recipe with one more token in its vocabulary if it fills sentences up with one."""
    if not recipe.padding_is_target:
        return recipe
    return replace(recipe, config=replace(recipe.config, n_vocab=recipe.config.n_vocab + 1))


def batch(recipe: Recipe, tokenizer: gpt.Tokenizer, corpus: Sequence[str]) -> tuple[Tensor, Tensor]:
    """All sentences as ids (B, T) and the ids that follow (B, T), as the recipe wants the padding."""
    if not recipe.padding_is_target:
        return gpt.batch(tokenizer, corpus)
    whole = torch.full((len(corpus), recipe.config.n_context + 1), recipe.config.n_vocab - 1)
    for row, sentence in zip(whole, corpus, strict=True):
        ids = tokenizer.encode(sentence)
        row[: len(ids)] = torch.tensor(ids)
    return whole[:, :-1], whole[:, 1:]


def folder_of(recipe: Recipe, corpus: Sequence[str]) -> Path:
    """Where trainings are kept: by all that decides the weights, but for the seed, which has a file of its own."""
    stated = json.dumps([*corpus, asdict(replace(recipe, config=replace(recipe.config, seed=0)))], default=str)
    return cache.KEPT / "trainings" / cache.key(training_code(), stated, torch.__version__)


def keep(folder: Path, seed: int, weights: np.ndarray) -> None:
    """Keeps the weights (n,) of a seed, and forgets those of recipes that were not used for long."""
    cache.keep_arrays(folder / f"{seed}.npz", {"weights": weights})
    cache.forget(folder.parent, KEPT_RECIPES)


def training_code() -> str:
    """The program that decides the weights: gpt.py but for what looks at a trained model, and the stacked training."""
    of_one = Path(gpt.__file__).read_text("utf-8").split("\n# --- 4. ")[0]
    return of_one + cache.source_of(train_all, follow_plainly, masks, padded, batch)


def restore(config: gpt.Config, flat: np.ndarray) -> gpt.GPT:
    """The model of the weights (n,)."""
    model = gpt.GPT(config).double()
    nn.utils.vector_to_parameters(torch.from_numpy(flat), model.parameters())
    return model
