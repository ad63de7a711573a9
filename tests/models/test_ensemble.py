"""The training: robust, not lucky, the same on every machine, and the same one by one or all at once."""

import copy
import json
import math
import multiprocessing
import os
import statistics
from dataclasses import replace

import numpy as np
import pytest
import torch

import gpt
from article import cache, parallel, study
from article.errors import RefusalError
from article.models import ensemble
from article.models.ensemble import Recipe
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def recipe(tokenizer: gpt.Tokenizer) -> Recipe:
    """Our recipe, cut short: each step is like the others."""
    return Recipe(gpt.Config(n_vocab=len(tokenizer.vocab), steps=12))


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A folder of its own for what is kept."""
    monkeypatch.setattr(cache, "KEPT", tmp_path / "kept")
    return tmp_path / "kept"


def flat(model: gpt.GPT) -> np.ndarray:
    return torch.nn.utils.parameters_to_vector(model.parameters()).detach().numpy()


def test_32_trainings_generalise(site):
    """At least 31 predict the held-out word, with a median probability of at least 0.8."""
    claims = {claim["id"]: claim for claim in json.loads((site / "claims.json").read_text())}
    words = claims["generalises"]
    assert words["seeds"] >= 32
    assert words["held"] >= words["seeds"] - 1
    sentences = json.loads((ROOT / "data" / "study.json").read_text())["recipes"][0]
    assert statistics.median(sentences["probability"]) >= 0.8


def test_other_words_give_the_same_model(recipe, tokenizer, corpus):
    """What a word is called makes no difference."""
    renamed = [" ".join(word[::-1].upper() for word in sentence.split()) for sentence in corpus]
    other = gpt.Tokenizer(renamed)
    assert set(other.vocab).isdisjoint(tokenizer.vocab)
    models = [gpt.train(recipe.config, one, texts) for one, texts in ((tokenizer, corpus), (other, renamed))]
    assert gpt.fingerprint(models[0]) == gpt.fingerprint(models[1])


class Deadly(str):
    """A sentence that ends the process which it is sent to."""

    def __reduce__(self) -> tuple:
        return os._exit, (1,)


@pytest.mark.skipif(parallel.processors() == 1, reason="one processor trains alone")
def test_a_training_that_loses_its_other_process_says_so(kept, recipe, tokenizer, corpus):
    with pytest.raises(RefusalError, match="was ended from outside"):
        ensemble.trainings(recipe, tokenizer, [Deadly(sentence) for sentence in corpus], range(1, 9))
    assert not multiprocessing.active_children()
    assert not list(kept.rglob("*.npz"))


def test_each_step_is_torch_s(model, tokenizer, corpus):
    """From the same weights, with the gradients so far, torch's AdamW goes where ours does, but for the rounding."""
    config = gpt.Config(n_vocab=len(tokenizer.vocab), steps=30)
    model = copy.deepcopy(model)
    weights, (ids, targets) = dict(model.named_parameters()), gpt.batch(tokenizer, corpus)
    copies = {name: weight.detach().clone() for name, weight in weights.items()}
    parts = [[copy for name, copy in copies.items() if gpt.decays(name) == decays] for decays in (True, False)]
    decay = config.weight_decay
    assert 0 < sum(map(torch.numel, parts[0])) < sum(map(torch.numel, copies.values()))
    theirs = torch.optim.AdamW([{"params": parts[0], "weight_decay": decay}, {"params": parts[1], "weight_decay": 0}])
    ours = gpt.AdamW(weights, config)
    for step in range(config.steps):
        gradients = torch.autograd.grad(gpt.loss(model(ids).logits, targets), ours.weights)
        with torch.no_grad():
            for (name, copied), gradient in zip(copies.items(), gradients, strict=True):
                copied.copy_(weights[name])
                copied.grad = gradient
        for group in theirs.param_groups:
            group["lr"] = gpt.learning_rate(config, step)
        theirs.step()
        ours.step(step, gradients)
        apart = [(copied - weights[name]).abs().max() for name, copied in copies.items()]
        assert max(apart) <= 0.5 / gpt.GRID + 1e-12
        assert max(apart) > 0.4 / gpt.GRID


# --- The survey ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_all_at_once_is_one_by_one(recipe, tokenizer, corpus):
    """Stacked, the trainings draw the same random numbers and come to the same weights as each by itself."""
    together = ensemble.train_all(recipe, tokenizer, corpus, [3, 1, 2])
    for weights, seed in zip(together, [3, 1, 2], strict=True):
        alone = flat(gpt.train(replace(recipe.config, seed=seed), tokenizer, corpus))
        assert np.abs(weights - alone).max() <= 1e-9
        assert np.array_equal(ensemble.train_in_parallel(recipe, tokenizer, corpus, [seed])[0], alone)


@pytest.mark.slow
def test_processors_share_the_work(recipe, tokenizer, corpus, monkeypatch):
    """Two processes come to the weights of one, in the order of the seeds."""
    short = Recipe(replace(recipe.config, steps=5))
    monkeypatch.setattr(parallel, "processors", lambda: 2)
    seeds = [9, 2, 7, 4, 5]
    shared = ensemble.train_in_parallel(short, tokenizer, corpus, seeds)
    assert np.abs(np.stack(shared) - ensemble.train_all(short, tokenizer, corpus, seeds)).max() <= 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("name", ["padding", "float32", "predecessor", "undropped"])
def test_recipes_train_each_model_by_itself(name, tokenizer, corpus):
    """Who else is trained beside it changes nothing for a model; and in every recipe the loss falls."""
    whole = study.recipes(gpt.Config(n_vocab=len(tokenizer.vocab)))[name][1]
    recipe = ensemble.padded(replace(whole, config=replace(whole.config, steps=30)))
    beside, alone = (ensemble.train_all(recipe, tokenizer, corpus, seeds) for seeds in ([1, 2], [2]))
    assert np.abs(beside[1] - alone[0]).max() <= (1e-9 if recipe.dtype == torch.float64 else 1e-2)
    untrained = Recipe(replace(recipe.config, steps=0), recipe.padding_is_target)
    ids, targets = ensemble.batch(recipe, tokenizer, corpus)

    def loss(weights: np.ndarray) -> float:
        with torch.no_grad():
            return float(gpt.loss(ensemble.restore(recipe.config, weights)(ids).logits, targets))

    assert loss(alone[0]) < loss(ensemble.train_all(untrained, tokenizer, corpus, [2])[0])


@pytest.mark.slow
def test_the_predecessor_s_way_is_torch_s(tokenizer, corpus):
    """The sentences are drawn, and followed by torch's own backward pass and optimizer: a model by itself does so."""
    recipe = study.recipes(gpt.Config(n_vocab=len(tokenizer.vocab)))["predecessor"][1]
    recipe = ensemble.padded(replace(recipe, config=replace(recipe.config, steps=20, learning_rate=1e-2)))
    config, (ids, targets) = recipe.config, ensemble.batch(recipe, tokenizer, corpus)
    random = torch.Generator().manual_seed(2)
    model = gpt.GPT(config).double()
    gpt.initialise(model, config.embedding_limit, random)
    start, model = flat(model), model.float()
    sizes = ensemble.masks(config, recipe.sampled, ids.shape[1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate)
    for _ in range(config.steps):
        rows = (torch.rand(recipe.sampled, generator=random) * len(ids)).long()
        drawn = {place: torch.rand(size, generator=random, dtype=torch.float64) for place, size in sizes.items()}
        kept = {place: (x >= config.dropout).float() / (1 - config.dropout) for place, x in drawn.items()}
        optimizer.zero_grad()
        logits = model(ids[rows], lambda place, x, kept=kept: x * kept[place] if place in kept else x).logits
        gpt.loss(logits, targets[rows]).backward()
        optimizer.step()
    (ours,) = ensemble.train_all(recipe, tokenizer, corpus, [2])
    assert np.abs(ours - flat(model)).max() < 1e-3
    assert np.abs(ours - start).max() > 0.05


def test_padding_is_a_target_only_where_it_is_wanted(tokenizer, corpus):
    recipe = Recipe(gpt.Config(n_vocab=len(tokenizer.vocab)))
    padded = ensemble.padded(replace(recipe, padding_is_target=True))
    ids, targets = ensemble.batch(padded, tokenizer, corpus)
    assert padded.config.n_vocab == len(tokenizer.vocab) + 1
    assert ids.shape == targets.shape == (len(corpus), padded.config.n_context)
    for sentence, given, wanted in zip(corpus, ids.tolist(), targets.tolist(), strict=True):
        whole = tokenizer.encode(sentence) + [len(tokenizer.vocab)] * padded.config.n_context
        assert given == whole[: padded.config.n_context]
        assert wanted == whole[1 : padded.config.n_context + 1]
    assert torch.equal(ensemble.batch(recipe, tokenizer, corpus)[1], gpt.batch(tokenizer, corpus)[1])


# --- What is kept -------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.usefixtures("kept")
def test_what_is_kept_is_not_trained_again(recipe, tokenizer, corpus, monkeypatch):
    first = ensemble.trainings(recipe, tokenizer, corpus, [1, 2])
    trained: list[int] = []
    original = ensemble.train_in_parallel

    def counting(recipe, tokenizer, corpus, seeds):
        trained.extend(seeds)
        return original(recipe, tokenizer, corpus, seeds)

    monkeypatch.setattr(ensemble, "train_in_parallel", counting)
    again = ensemble.trainings(recipe, tokenizer, corpus, [2, 1])
    assert trained == []
    assert [gpt.fingerprint(model) for model in again] == [gpt.fingerprint(model) for model in first[::-1]]
    ensemble.trainings(recipe, tokenizer, corpus, [2, 3])
    assert trained == [3]
    ensemble.trainings(recipe, tokenizer, corpus, [2], fresh=True)
    assert trained == [3, 2]


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["empty", "unsealed", "short", "flipped"])
def test_what_is_damaged_is_trained_again(recipe, tokenizer, corpus, kept, damage):
    """Nothing is used that is not as it was written, and so nothing is unpickled."""
    (model,) = ensemble.trainings(recipe, tokenizer, corpus, [1])
    (path,) = kept.glob("*/*/1.npz")
    data = path.read_bytes()
    flipped = data[:-50] + bytes([data[-50] ^ 1]) + data[-49:]
    path.write_bytes({"empty": b"", "unsealed": data[32:], "short": data[:-1], "flipped": flipped}[damage])
    (again,) = ensemble.trainings(recipe, tokenizer, corpus, [1])
    assert gpt.fingerprint(again) == gpt.fingerprint(model)


def test_another_corpus_recipe_or_program_is_another_key(recipe, corpus, tmp_path, monkeypatch):
    """The seed alone makes no difference, for it has a file of its own."""
    keys = [
        ensemble.folder_of(recipe, corpus),
        ensemble.folder_of(recipe, corpus[::-1]),
        ensemble.folder_of(replace(recipe, config=replace(recipe.config, dropout=0.3)), corpus),
        ensemble.folder_of(replace(recipe, plain=True), corpus),
        ensemble.folder_of(replace(recipe, dtype=torch.float32), corpus),
    ]
    assert ensemble.folder_of(replace(recipe, config=replace(recipe.config, seed=99)), corpus) == keys[0]
    program = (ROOT / "gpt.py").read_text("utf-8")
    for place, changed in (("\nGRID = ", True), ("\ndef fingerprint", False)):
        (tmp_path / "gpt.py").write_text(program.replace(place, f"\n# another program{place}"), "utf-8")
        monkeypatch.setattr(gpt, "__file__", str(tmp_path / "gpt.py"))
        assert (ensemble.folder_of(recipe, corpus) != keys[0]) == changed
        keys += [ensemble.folder_of(recipe, corpus)] if changed else []
    assert len(set(keys)) == len(keys)


def test_old_recipes_go(recipe, tokenizer, corpus, kept, monkeypatch):
    monkeypatch.setattr(ensemble, "KEPT_RECIPES", 2)
    for steps in (1, 2, 3):
        ensemble.trainings(Recipe(replace(recipe.config, steps=steps)), tokenizer, corpus, [1])
    assert len(list((kept / "trainings").iterdir())) == 2


# --- The study ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_kept_study_is_of_this_program():
    """If this fails, run `make study` and commit data/study.json."""
    config, tokenizer, corpus = study_input()
    models = ensemble.trainings(Recipe(config), tokenizer, corpus, study.FEWER)
    results = study.load(models)
    assert results is not None
    assert study.load(models[:3]) is None
    assert study.load([models[1], *models[1:]]) is None
    for row in (*results["recipes"], *results["held_out"]):
        assert len(row["seeds"]) == len(row["held"]) == len(row["probability"]) == len(row["loss"]) >= 16
    # One row of it, computed once more.
    ours = results["recipes"][0]
    assert study.outcome(Recipe(config), corpus, held_out_of(ROOT), [1, 2])["probability"] == ours["probability"][:2]


def study_input():
    from article.models.own import read_data

    config, tokenizer, corpus, _ = read_data()
    return config, tokenizer, corpus


def held_out_of(root) -> str:
    return (root / "data" / "held_out.txt").read_text("utf-8").strip()


def test_each_analogous_sentence_takes_its_turn(corpus, held_out):
    turns = study.turns(corpus, held_out)
    assert list(turns) == ["web", "nest", "hive", "den"]
    for word, (sentences, sentence) in turns.items():
        assert sentence.split()[-1] == word
        assert sentence not in sentences
        assert len(sentences) == len(corpus)
        assert {*sentences, sentence} == {*corpus, held_out}


def test_the_failing_training_fails(tokenizer, corpus, held_out):
    """It looks at the right word, in both blocks, and says the wrong one."""
    recipe, seed = study.failing(gpt.Config(n_vocab=len(tokenizer.vocab)))
    (model,) = ensemble.trainings(recipe, tokenizer, corpus, [seed])
    prompt, answer = held_out.rsplit(maxsplit=1)
    trace = gpt.trace(model, tokenizer, prompt)
    assert trace.prediction != answer
    assert (trace.attention[:, :, -1, trace.tokens.index("spider")].max(axis=1) > 0.5).all()
    assert math.isclose(trace.residual[0][0, 0], trace.embedding[tokenizer.ids["at"], 0] + trace.position[0, 0])
