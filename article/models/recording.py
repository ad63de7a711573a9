"""The loss around a trained model, in the plane in which its training moved most."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, vmap
from torch.nn.utils import parameters_to_vector

import gpt
from article import cache
from article.models import ensemble

EVERY = 20  # steps between two points of the path
AT_ONCE = 100  # steps whose models are asked at once
FRAMES = 28  # steps of which a film is made, at most
GRID = 21  # places along each direction
MARGIN = 0.15  # beyond the path, as a part of its extent
DIGITS = 6  # decimals that are kept; the same on every processor


def explored(
    config: gpt.Config, tokenizer: gpt.Tokenizer, corpus: Sequence[str], sentence: str, fresh: bool = False
) -> Mapping[str, np.ndarray]:
    """What `explore` finds, or has found for an earlier build. Keeps it, and the model that it has trained."""
    file = kept_at(config, corpus, sentence)
    if fresh:
        file.unlink(missing_ok=True)
    arrays = cache.load_arrays(file)
    if arrays is None:
        arrays, weights = explore(config, tokenizer, corpus, sentence)
        ensemble.keep(file.parent, config.seed, weights)
        cache.keep_arrays(file, arrays)
    return arrays


def kept_at(config: gpt.Config, corpus: Sequence[str], sentence: str) -> Path:
    """The file that keeps what `explore` finds, beside the model that it trains."""
    program = cache.key(Path(__file__), sentence)[:16]
    return ensemble.folder_of(ensemble.Recipe(config), corpus) / f"landscape-{config.seed}-{program}.npz"


def explore(
    config: gpt.Config, tokenizer: gpt.Tokenizer, corpus: Sequence[str], sentence: str
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Trains a model, watching it, and computes the loss in the plane of its path; also returns its weights (n,).

    Of the path there are at every step what the model "said" (steps + 1,), the id of the most probable next token of
    the sentence, and at some steps the "frames" (K, n) of a film, its weights, and the "frame_loss" (K,).
    """
    model, path = recorded(config, tokenizer, corpus)
    points = np.array([path[step] for step in (*range(0, config.steps, EVERY), config.steps)])
    directions, in_plane = plane(points)
    places = (points - points[-1]) @ directions.T  # from the end of the path, which lies in the plane
    low, high = places.min(axis=0), places.max(axis=0)
    low, high = low - MARGIN * (high - low), high + MARGIN * (high - low)
    steps = np.linspace(0, 1, GRID)
    grid = low + np.stack(np.meshgrid(steps, steps), axis=-1) * (high - low)  # (GRID, GRID, 2)
    ids, targets = gpt.batch(tokenizer, corpus)
    answers = stacked(model)

    def losses(weights: np.ndarray) -> np.ndarray:
        """The loss of each model (S,), of weights (S, n)."""
        return np.array([gpt.loss(logits, targets) for logits in answers(torch.from_numpy(weights), ids)])

    asked = torch.tensor([tokenizer.encode(sentence)])
    with torch.no_grad():
        some = [torch.from_numpy(np.array(path[n : n + AT_ONCE])) for n in range(0, len(path), AT_ONCE)]
        said = [answers(weights, asked)[:, 0, -1].argmax(-1).numpy() for weights in some]
        rows = [losses(points[-1] + row @ directions) for row in grid]
        frames = np.array([path[step] for step in film_steps(config.steps)])
        beside, seen = losses(points), losses(frames)
    found = {
        "height": np.round(np.array(rows), DIGITS),
        "path": np.round(2 * (places - low) / (high - low) - 1, DIGITS),
        "path_loss": np.round(beside, DIGITS),
        "in_plane": np.round(in_plane, DIGITS),
        "frames": frames,
        "frame_loss": np.round(seen, DIGITS),
        "said": np.concatenate(said),
    }
    return found, points[-1]


def film_steps(steps: int) -> list[int]:
    """The steps that a film of a training shows: the first ones, and then ever fewer, since the loss falls early.

    >>> film_steps(480)[:8], film_steps(480)[-3:]
    ([0, 1, 2, 3, 4, 5, 7, 9], [303, 382, 480])
    """
    return sorted({round(step) - 1 for step in np.geomspace(1, steps + 1, FRAMES)})


def recorded(config: gpt.Config, tokenizer: gpt.Tokenizer, corpus: Sequence[str]) -> tuple[gpt.GPT, list[np.ndarray]]:
    """A trained model, and the weights (n,) that it had before each step and after the last one."""
    path: list[np.ndarray] = []

    def watch(_: int, model: gpt.GPT) -> None:
        path.append(parameters_to_vector(model.parameters()).detach().numpy().copy())

    torch.set_num_threads(1)  # the model is too small to share
    return gpt.train(config, tokenizer, corpus, watch), path


def plane(points: np.ndarray) -> tuple[np.ndarray, float]:
    """The two directions (2, n) in which points (S, n) differ most, and the share of their variance that lies in both.

    As scikit-learn finds principal components, with the largest part of each positive; its import takes a second.
    """
    centred = torch.from_numpy(points - points.mean(axis=0))
    _, sizes, components = (part.numpy() for part in torch.linalg.svd(centred, full_matrices=False))
    largest = np.abs(components[:2]).argmax(axis=1)
    directions = components[:2] * np.sign(components[[0, 1], largest])[:, None]
    return directions, float((sizes[:2] ** 2).sum() / (sizes**2).sum())


def stacked(model: gpt.GPT) -> Callable[[Tensor, Tensor], Tensor]:
    """What gives the logits (S, B, T, V) of many models of one kind, of their weights (S, n), for ids (B, T)."""
    shapes = {name: weight.shape for name, weight in model.named_parameters()}

    def logits(flat: Tensor, ids: Tensor) -> Tensor:
        parts = flat.split([shape.numel() for shape in shapes.values()])
        weights = {name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
        return functional_call(model, weights, (ids,)).logits

    return vmap(logits, in_dims=(0, None))
