"""Every value that the prose refers to, as `{loss}`, computed from the model and from many trainings of it."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from article import measures
from article.evidence.claim import CLAIMS, Facts, establish, written
from article.evidence.evidence import Evidence
from article.evidence.words import at_step, count, decimals, number, one_decimal, percent, points
from article.study import recipes

Known = dict[str, tuple[float | str, Callable[[Any], str]]]  # a value by its name, and how it is written


def values(own: Evidence, survey: Sequence[Evidence]) -> dict[str, str]:
    """Every value by its name, as the text that stands for it."""
    chapters = (of_task, of_answer, of_embeddings, of_pass, of_walk, of_parts)
    known = {name: value for chapter in chapters for name, value in chapter(own).items()} | of_training(own, survey)
    return {name: written(name, value, show) for name, (value, show) in known.items()}


def of_task(own: Evidence) -> Known:
    """The model, and what it was trained on."""
    trace, config = own.trace, own.config
    T, V, L = len(trace.tokens), len(trace.vocab), config.n_layer
    return {
        "sentences": (len(own.corpus), number),
        "pairs": (len(measures.pairs()), number),
        "patterns": ((len(own.corpus) + len(own.held_out)) // len(measures.pairs()), number),
        "words": (V, str),
        "parameters": (own.parameters, count),
        "components": (config.n_embd, str),
        "blocks": (config.n_layer, number),
        "first_block": ("block 1", str),
        "last_block": (f"block {L}", str),
        "heads": (config.n_head, number),
        "hidden": (4 * config.n_embd, str),
        "per_head": (config.n_embd // config.n_head, str),
        "steps": (config.steps, count),
        "dropout": (config.dropout, percent),
        "rate": (config.learning_rate, str),
        "tokens": (T, number),
        "loss": (own.loss, decimals),
        "guess_loss": (math.log(V), decimals),
        "floor": (measures.entropy(own.corpus), decimals),
        "distance": (T - 1 - measures.subject(own)[1], number),
    }


def of_answer(own: Evidence) -> Known:
    """The prompt, and what the model says."""
    trace, animal, home = own.trace, measures.subject(own)[0], own.answer
    rivals, middle = measures.ranking(own), measures.ranking(own, 1)[0]
    return {
        "prompt": (trace.sentence, str),
        "animal": (animal, str),
        "home": (home, str),
        "last_token": (trace.tokens[-1], str),
        "prediction": (trace.prediction, str),
        "probability": (trace.probability(trace.prediction), percent),
        "second": (rivals[1], str),
        "second_probability": (trace.probability(rivals[1]), percent),
        "middle": (middle, str),
        "middle_probability": (trace.probability(middle, 1), percent),
        "home_probability_in_the_middle": (trace.probability(home, 1), percent),
        "first": (measures.ranking(own, 0)[0], str),
        "first_probability": (trace.probability(measures.ranking(own, 0)[0], 0), percent),
    }


def of_embeddings(own: Evidence) -> Known:
    """How embeddings and positions lie to each other."""
    trace, linked, (animals, homes) = own.trace, measures.cosines(own, measures.pairs()), measures.kinds()
    home = own.answer
    return {
        "linked_cosine": (linked.mean(), decimals),
        "opposed_animal": (measures.most_opposed(own)[0], str),
        "opposed_home": (measures.most_opposed(own)[1], str),
        "opposed_cosine": (linked.min(), decimals),
        "opposed_component": (measures.most_opposed_component(own), str),
        "opposed_signs": (measures.opposed_signs(own), percent),
        "animals_cosine": (measures.cosines(own, combinations(animals, 2)).mean(), decimals),
        "animals_least": (measures.cosines(own, combinations(animals, 2)).min(), decimals),
        "animals_most": (measures.cosines(own, combinations(animals, 2)).max(), decimals),
        "homes_cosine": (measures.cosines(own, combinations(homes, 2)).mean(), decimals),
        "unlinked_cosine": (measures.cosines(own, measures.unlinked()).mean(), decimals),
        "unlinked_least": (measures.cosines(own, measures.unlinked()).min(), decimals),
        "unlinked_most": (measures.cosines(own, measures.unlinked()).max(), decimals),
        "without_positions": (measures.without_positions(own)[trace.id(home)], percent),
        "length_position": (measures.lengths(trace.position).mean(), decimals),
        "length_embedding": (measures.lengths(trace.embedding).mean(), decimals),
    }


def of_pass(own: Evidence) -> Known:
    """What the blocks look at and write, and the last vector."""
    trace, looked, top = own.trace, measures.looks(own), own.decomposition.widest
    T, L, home = len(trace.tokens), own.config.n_layer, own.answer
    return {
        "look_first": (looked[0].max(), percent),
        "look_last": (looked[-1].max(), percent),
        "look_last_least": (looked[-1].min(), percent),
        "final_cosine": (measures.cosine(trace.residual[-1, -1], trace.normed[-1, -1]), decimals),
        "home_cosine": (measures.cosine(trace.normed[-1, -1], measures.vector(own, home)), decimals),
        "length_in": (measures.length(trace.residual[0, -1]), one_decimal),
        "length_first_write": (measures.length(measures.writes(own)[0]), one_decimal),
        "length_last_write": (measures.length(measures.writes(own)[-1]), one_decimal),
        "length_out": (measures.length(trace.residual[-1, -1]), one_decimal),
        "length_predicted": (measures.length(measures.vector(own, trace.prediction)), one_decimal),
        "agrees_in_sign_share": ((measures.products(own) > 0).mean(), percent),
        "length_final": (measures.length(trace.normed[-1, -1]), one_decimal),
        "widest_weight": (trace.attention[:, :, -1].max(), percent),
        "widest_node": ("attention/{}/{}/{}/{}".format(*top[:2], T - 1, top[2]), str),
        "last_node": (f"normed/{L}/{T - 1}", str),
        "looking_node": (f"residual/{top[0]}/{T - 1}", str),
        "looked_node": (f"residual/{top[0]}/{top[2]}", str),
        "entering_cosine": (measures.entering_cosine(own), decimals),
        "masked_share": (measures.masked_share(own), percent),
        "silent_first": (measures.silent(own)[0], percent),
        "silent_last": (measures.silent(own)[-1], percent),
        "widest_block": (top[0] + 1, str),
        "widest_place": (f"block {top[0] + 1}, head {top[1] + 1}", str),
    }


def of_walk(own: Evidence) -> Known:
    """Marks of the forward pass, for links: its rows; what each head of the last position looks at, widest first."""
    trace, known = own.trace, Known()
    T, (L, H, *_) = len(trace.tokens), trace.attention.shape
    for l in range(L + 1):
        known[f"row.{l}"] = ("+".join(f"residual/{l}/{t}" for t in range(T)), str)
    for l, h in np.ndindex(L, H):
        weights, head = trace.attention[l, h, -1], f"{l + 1}.{h + 1}"
        nodes = [f"attention/{l}/{h}/{T - 1}/{k}" for k in np.argsort(-weights)]
        known[f"looks.{head}"] = ("+".join(nodes), str)
        known[f"looked_at.{head}"] = (trace.tokens[int(weights.argmax())], str)
        known[f"looked.{head}"] = (weights.max(), percent)
    return known | {"last": (T - 1, str), "animal_at": (measures.subject(own)[1], str)}


def of_parts(own: Evidence) -> Known:
    """What the parts are good for, and what the answer is the sum of."""
    trace, effects, top = own.trace, own.ablation, own.decomposition.widest
    home, deputy = own.answer, measures.idlest(own)
    return {
        "widest_effect": (effects.weight_effect[top], points),
        "deputy_place": (f"block {deputy[0] + 1}, head {deputy[1] + 1}", str),
        "deputy_weight": (trace.attention[deputy[0], deputy[1], -1, deputy[2]], percent),
        "deputy_effect": (effects.weight_effect[deputy], points),
        "first_heads_effect": (effects.heads_effect[0], points),
        "last_heads_effect": (effects.heads_effect[-1], points),
        "last_heads_left": (effects.without_heads[-1, trace.id(home)], percent),
        "last_heads_prediction": (measures.best(own, effects.without_heads[-1]), str),
        "last_head_effect_most": (effects.head_effect[-1].max(), points),
        "last_head_effect_least": (effects.head_effect[-1].min(), points),
        "first_mlp_effect": (effects.mlp_effect[0], points),
        "last_mlp_effect": (effects.mlp_effect[-1], points),
        "first_mlp_effect_at_last": (effects.effect(effects.last_mlp)[0], points),
        "map_kept": (own.decomposition.map_kept, percent),
        **{f"map_{n}": (own.decomposition.map_shares[k], percent) for k, n in enumerate(("first", "second", "third"))},
        "logit": (trace.lens[-1, -1].max(), one_decimal),
        "largest_share": (own.decomposition.share[:, trace.id(home)].max(), one_decimal),
        "largest_origin": (own.decomposition.origins[int(own.decomposition.share[:, trace.id(home)].argmax())], str),
        "embedding_share": (own.decomposition.share[0, trace.id(home)], decimals),
        "score_gap": (measures.score_gap(own), one_decimal),
    }


def of_training(own: Evidence, survey: Sequence[Evidence]) -> Known:
    """How it was trained, and how others came out."""
    history, land = own.training_history, own.loss_landscape
    over_seeds = [e.trace.probability(e.answer) for e in survey]
    return {
        "path_steps": (land.every, count),
        "film_frames": (len(history.steps), str),
        "found_step": (at_step(history.found), str),
        "settled_step": (at_step(history.settled), str),
        "linked_cosine_at_start": (measures.cosines(own, measures.pairs(), history.course[..., 0]).mean(), decimals),
        "path_in_plane": (land.in_plane, percent),
        "path_start_loss": (land.path_loss[0], decimals),
        "land_most": (land.height.max(), decimals),
        "seeds": (len(survey), str),
        "survey_least": (min(over_seeds), percent),
        "survey_median": (float(np.median(over_seeds)), percent),
        "survey_most": (max(over_seeds), percent),
    }


def gather(
    own: Evidence,
    survey: Sequence[Evidence],
    more: Mapping[str, str],
    study: dict | None = None,
) -> Facts:
    """Everything that the page may refer to: `more` values, those of the study, and how often every claim held.

    Raises ValueError for a corpus that the article does not speak of, FactError for what cannot be used.
    """
    claims = {name: establish(name, own, survey) for name in CLAIMS}
    counts = {f"{name}.held": str(claim.held) for name, claim in claims.items()}
    return Facts({**values(own, survey), **counts, **studied(study, own), **more}, claims)


def studied(study: dict | None, own: Evidence) -> dict[str, str]:
    """The values of the study, by `study.` and the name of a row: in how many trainings it held, of how many."""
    known = {}
    for row in (*study["recipes"], *study["held_out"]) if study else ():
        known[f"study.{row['name']}.held"] = str(sum(row["held"]))
        known[f"study.{row['name']}.seeds"] = str(len(row["held"]))
        known[f"study.{row['name']}.loss"] = decimals(float(np.mean(row["loss"])))
        known[f"study.{row['name']}.probability"] = percent(float(np.median(row["probability"])))
    if study:
        other = recipes(own.config)["predecessor"][1]
        known["study.predecessor.steps"] = count(other.config.steps)
        known["study.predecessor.rate"] = f"{other.config.learning_rate:g}"
        known["study.predecessor.batch"] = count(other.sampled)
        weak = next(row for row in study["recipes"] if row["name"] == "third")
        known["study.date"] = study["date"]
        held = [sum(row["held"]) for row in study["held_out"]]
        known |= {"study.held_out.least": str(min(held)), "study.held_out.most": str(max(held))}
        known |= failed(own)
        missed = [looks for held, looks in zip(weak["held"], weak["looks"], strict=True) if not held]
        known["study.third.missed"] = number(len(missed))
        known["study.third.looked"] = number(sum(looks > 0.5 for looks in missed))
    return known


def failed(own: Evidence) -> dict[str, str]:
    """The values of the training that says the wrong word, beside which `failure` stands."""
    outcome = own.view("outcome")
    (sure, doubt), (look, other), home = outcome.says, outcome.looks, outcome.id(own.answer)
    return {
        "failure.own_look": percent(look.max()),
        "failure.own_probability": percent(sure.max()),
        "failure.look": percent(other.max()),
        "failure.said": outcome.other.prediction,
        "failure.probability": percent(doubt.max()),
        "failure.home_probability": percent(doubt[home]),
    }
