"""The landscape of the loss: its plane, its path and its heights."""

import numpy as np
import pytest
import torch
from scipy.interpolate import RegularGridInterpolator

import gpt
from article import cache
from article.models import ensemble, recording
from scenes.analysis import loss_landscape

pytestmark = pytest.mark.slow  # all of it is about a training


@pytest.fixture(scope="module")
def config(tokenizer) -> gpt.Config:
    return gpt.Config(n_vocab=len(tokenizer.vocab), steps=80)


@pytest.fixture(scope="module")
def land(config, tokenizer, corpus, trace) -> dict[str, np.ndarray]:
    return recording.explore(config, tokenizer, corpus, trace.sentence)[0]


def test_the_path_is_that_of_training(config, tokenizer, corpus, trace, land):
    """Losses and words are those of the models on the way, the plane that of a singular value decomposition."""
    said: list[str] = []
    seen: list[tuple[float, np.ndarray]] = []
    ids, targets = gpt.batch(tokenizer, corpus)

    def watch(step: int, model: gpt.GPT) -> None:
        said.append(gpt.trace(model, tokenizer, trace.sentence).prediction)
        if step % recording.EVERY == 0:
            with torch.no_grad():
                weights = torch.nn.utils.parameters_to_vector(model.parameters()).numpy().copy()
                seen.append((float(gpt.loss(model(ids).logits, targets)), weights))

    gpt.train(config, tokenizer, corpus, watch)
    assert len(seen) == config.steps // recording.EVERY + 1
    assert land["path_loss"] == pytest.approx([loss for loss, _ in seen], abs=1e-6)
    assert [trace.vocab[id] for id in land["said"]] == said
    assert len(set(said)) > 3
    points = np.array([weights for _, weights in seen])
    _, sizes, directions = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    assert land["in_plane"] == pytest.approx((sizes[:2] ** 2).sum() / (sizes**2).sum(), abs=1e-6)
    places = (points - points[-1]) @ directions[:2].T
    for ours, theirs in zip(land["path"].T, places.T, strict=True):
        assert abs(np.corrcoef(ours, theirs)[0, 1]) == pytest.approx(1, abs=1e-9)
        assert np.abs(ours).max() < 1


def test_the_end_of_the_path_lies_on_the_landscape(land):
    steps = np.linspace(-1, 1, recording.GRID)
    height = RegularGridInterpolator((steps, steps), land["height"], method="cubic")
    assert float(height(land["path"][-1][::-1])[0]) == pytest.approx(land["path_loss"][-1], abs=5e-3)
    assert land["height"].shape == (recording.GRID, recording.GRID)


def test_what_is_kept_is_not_explored_again(config, tokenizer, corpus, trace, land, tmp_path, monkeypatch):
    """Unless it is damaged."""
    times: list[int] = []

    def explore(*_: object) -> tuple[dict[str, np.ndarray], np.ndarray]:
        times.append(1)
        return dict(land), np.zeros(10_620)

    monkeypatch.setattr(cache, "KEPT", tmp_path)
    monkeypatch.setattr(recording, "explore", explore)
    one, other = (loss_landscape.loss_landscape(config, tokenizer, corpus, trace) for _ in range(2))
    assert len(times) == 1
    assert np.array_equal(one.height, other.height)
    (file,) = tmp_path.glob("trainings/*/landscape-*.npz")
    file.write_bytes(file.read_bytes()[:-50])
    loss_landscape.loss_landscape(config, tokenizer, corpus, trace)
    assert len(times) == 2
    (model,) = ensemble.trainings(ensemble.Recipe(config), tokenizer, corpus, [config.seed])
    assert not model.ln_f.weight.detach().any()  # the one that was explored
