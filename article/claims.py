"""Every value and every claim that the prose refers to, computed from the model and from many trainings of it.

The prose names a value in braces, `{loss}`, and a claim as the target of a link, `[a sentence](claim:name)`. A claim is
a predicate on one trained model. Its sentence is about the article's own model, unless it states a share of the
trainings: `(claim:name?at-least=0.9)` or `(claim:name?at-most=0.5)`.
"""

import math
from itertools import combinations, pairwise

import numpy as np

from article.evidence.claim import Truth, claim
from article.evidence.evidence import Evidence
from article.evidence.words import count, decimals, percent, times
from article.measures import (
    answered,
    best,
    cosine,
    cosines,
    counted,
    entering_cosine,
    entropy,
    fitting_best,
    kinds,
    length,
    lengths,
    looks,
    masked_share,
    opposed_signs,
    pairs,
    products,
    ranking,
    silent,
    subject,
    unlinked,
    vector,
    without_positions,
    writes,
)


@claim("the most probable next word of the prompt is the last word of the held-out sentence")
def generalises(e: Evidence) -> Truth:
    return e.trace.prediction, e.trace.prediction == e.answer


@claim("the held-out word has a probability above 0.8", percent)
def is_sure(e: Evidence) -> Truth:
    probability = e.trace.probability(e.answer)
    return probability, probability > 0.8


@claim("no sentence of the corpus starts as the prompt does up to the animal", count)
def held_out_is_new(e: Evidence) -> Truth:
    start = e.trace.tokens[: subject(e)[1] + 1]
    found = sum(tuple(sentence.split()[: len(start)]) == start for sentence in e.corpus)
    return found, found == 0


@claim("the most probable word is at least four times as probable as the second", times)
def second_is_far_behind(e: Evidence) -> Truth:
    first, second = (e.trace.probability(token) for token in ranking(e)[:2])
    return first / second, first > 4 * second


@claim("the second most probable word is a home, too")
def second_is_a_home(e: Evidence) -> Truth:
    second = ranking(e)[1]
    return second, second in kinds()[1]


@claim("the loss is less than a tenth of that of guessing", percent)
def far_better_than_guessing(e: Evidence) -> Truth:
    share = e.loss / math.log(len(e.trace.vocab))
    return share, share < 0.1


@claim("the loss is less than 0.02 nats above the entropy of the corpus", lambda value: f"{value:.4f} above")
def at_the_floor(e: Evidence) -> Truth:
    above = e.loss - entropy(e.corpus)
    return above, -1e-9 <= above < 0.02


@claim("who counts which word follows one, or two, others in the corpus gives the held-out word no chance", percent)
def counting_fails(e: Evidence) -> Truth:
    most = max(counted(e.corpus, e.held_out[0], reach) for reach in (1, 2))
    return most, most == 0


@claim("the mean cosine among the animals, and that among the homes, is above 0.2", decimals)
def kinds_are_alike(e: Evidence) -> Truth:
    least = min(cosines(e, combinations(kind, 2)).mean() for kind in kinds())
    return least, least > 0.2


@claim("the mean cosine of an animal and another's home is within 0.2 of zero", decimals)
def strangers_are_unrelated(e: Evidence) -> Truth:
    mean = cosines(e, unlinked()).mean()
    return mean, abs(mean) < 0.2


@claim("the embeddings of each of the linked pairs have a cosine below minus a quarter", decimals)
def linked_are_opposed(e: Evidence) -> Truth:
    largest = cosines(e, pairs()).max()
    return largest, largest < -0.25


@claim("the mean cosine of the linked pairs is below zero", decimals)
def linked_are_opposed_on_average(e: Evidence) -> Truth:
    mean = cosines(e, pairs()).mean()
    return mean, mean < 0


@claim("the mean cosine of the linked pairs is above that of an animal and another's home", decimals)
def linked_are_alike(e: Evidence) -> Truth:
    more = cosines(e, pairs()).mean() - cosines(e, unlinked()).mean()
    return more, more > 0


@claim("the signs of the most opposed pair differ in more than half of the components", percent)
def signs_are_opposed(e: Evidence) -> Truth:
    return opposed_signs(e), opposed_signs(e) > 0.5


@claim("the ways from each animal to its home have a mean cosine above 0.9 with each other", decimals)
def links_are_parallel(e: Evidence) -> Truth:
    ways = [vector(e, home) - vector(e, animal) for animal, home in pairs()]
    mean = np.mean([cosine(a, b) for a, b in combinations(ways, 2)])
    return float(mean), bool(mean > 0.9)


@claim("a map of the embeddings in three dimensions keeps less than half of their variance", percent)
def map_loses_most(e: Evidence) -> Truth:
    return e.decomposition.map_kept, e.decomposition.map_kept < 0.5


@claim("along the first direction of the map, every animal lies on one side of every home", decimals)
def kinds_are_apart_on_the_map(e: Evidence) -> Truth:
    first, second = ([e.decomposition.map[e.trace.id(word), 0] for word in kind] for kind in kinds())
    gap = max(min(first) - max(second), min(second) - max(first))
    return gap, gap > 0


@claim("position vectors are on average less than half as long as embeddings", decimals)
def positions_are_small(e: Evidence) -> Truth:
    ratio = lengths(e.trace.position).mean() / lengths(e.trace.embedding).mean()
    return ratio, ratio < 0.5


@claim("the positions of neighbours have a mean cosine below zero", decimals)
def neighbours_differ(e: Evidence) -> Truth:
    mean = np.mean([cosine(a, b) for a, b in pairwise(e.trace.position)])
    return float(mean), bool(mean < 0)


@claim("without the positions, the answer is still the most probable word")
def answers_without_positions(e: Evidence) -> Truth:
    said = best(e, without_positions(e))
    return said, said == e.answer


@claim("at every position, what enters the first block, unembedded, reads as the token itself", count)
def all_start_as_themselves(e: Evidence) -> Truth:
    read = [e.trace.vocab[id] for id in e.trace.lens[0].argmax(-1)]
    others = sum(a != b for a, b in zip(read, e.trace.tokens, strict=True))
    return others, others == 0


@claim("the last position's vector leaves the last block longer than it entered the first", times)
def grows(e: Evidence) -> Truth:
    ratio = length(e.trace.residual[-1, -1]) / length(e.trace.residual[0, -1])
    return ratio, ratio > 1


@claim("at the last position, the last block writes more than the first", times)
def last_block_writes_more(e: Evidence) -> Truth:
    ratio = length(writes(e)[-1]) / length(writes(e)[0])
    return ratio, ratio > 1


@claim("what each block writes at the last position has a cosine below zero with the last token's embedding", decimals)
def writes_against_the_last_token(e: Evidence) -> Truth:
    largest = max(cosine(write, vector(e, e.trace.tokens[-1])) for write in writes(e))
    return largest, largest < 0


@claim("what each block writes at the last position has a cosine above 0.3 with the answer's embedding", decimals)
def writes_towards_the_answer(e: Evidence) -> Truth:
    least = min(cosine(write, vector(e, e.answer)) for write in writes(e))
    return least, least > 0.3


@claim("every attention weight of a key after its query is exactly zero", lambda value: f"{value:g}")
def only_the_past(e: Evidence) -> Truth:
    ahead = float(np.triu(e.trace.attention, 1).max())
    return ahead, ahead == 0.0


@claim("a head of the first block gives the animal more than half of the last position's attention", percent)
def first_block_looks_back(e: Evidence) -> Truth:
    most = looks(e)[0].max()
    return most, most > 0.5


@claim("a head of the last block gives the animal more than half of the last position's attention", percent)
def last_block_looks_back(e: Evidence) -> Truth:
    most = looks(e)[-1].max()
    return most, most > 0.5


@claim("every head of the last block gives the animal more than half of the last position's attention", percent)
def last_block_looks_with_all_heads(e: Evidence) -> Truth:
    least = looks(e)[-1].min()
    return least, least > 0.5


@claim("every head of the first block gives the animal more than half of the last position's attention", percent)
def first_block_looks_with_all_heads(e: Evidence) -> Truth:
    least = looks(e)[0].min()
    return least, least > 0.5


@claim("no head gives the last position itself more than half of its attention", percent)
def looks_away_from_itself(e: Evidence) -> Truth:
    most = e.trace.attention[:, :, -1, -1].max()
    return most, most < 0.5


@claim("what enters the first block at the last position, unembedded, reads as the last token itself")
def starts_as_itself(e: Evidence) -> Truth:
    first = ranking(e, 0)[0]
    return first, first == e.trace.tokens[-1]


@claim("after the first block, the answer has less than half of the probability", percent)
def undecided_in_the_middle(e: Evidence) -> Truth:
    part = e.trace.probability(e.answer, 1)
    return part, part < 0.5


@claim("after the first block, the answer is the most probable word")
def knows_it_in_the_middle(e: Evidence) -> Truth:
    first = ranking(e, 1)[0]
    return first, first == e.answer


@claim("the cosine of the last vector before and after the final LayerNorm is above 0.9", decimals)
def layernorm_keeps_direction(e: Evidence) -> Truth:
    value = cosine(e.trace.residual[-1, -1], e.trace.normed[-1, -1])
    return value, value > 0.9


@claim("over the prompt, lengths vary less than half as much after the final LayerNorm as before", percent)
def layernorm_evens_out(e: Evidence) -> Truth:
    before, after = (lengths(rows) for rows in (e.trace.residual[-1], e.trace.normed[-1]))
    ratio = (after.std() / after.mean()) / (before.std() / before.mean())
    return ratio, ratio < 0.5


@claim("of all embeddings, the answer's is nearest in direction to the last vector")
def points_at_the_answer(e: Evidence) -> Truth:
    near = max(e.trace.vocab, key=lambda token: cosine(e.trace.normed[-1, -1], vector(e, token)))
    return near, near == e.answer


@claim("in more than two of three components the last vector has the sign of the prediction's embedding", percent)
def agrees_in_sign(e: Evidence) -> Truth:
    share = (products(e) > 0).mean()
    return share, share > 2 / 3


@claim("the components in which the signs differ take less than a tenth from the logit of the prediction", percent)
def disagreement_is_cheap(e: Evidence) -> Truth:
    against = -np.minimum(products(e), 0).sum() / products(e).sum()
    return against, against < 0.1


@claim("the last vector is at least a quarter longer than the prediction's embedding", times)
def last_vector_is_longer(e: Evidence) -> Truth:
    ratio = length(e.trace.normed[-1, -1]) / length(vector(e, e.trace.prediction))
    return ratio, ratio > 1.25


@claim("no head, no MLP, nor the embedding, adds more than half of the answer's logit", percent)
def no_part_makes_the_answer(e: Evidence) -> Truth:
    shares = e.decomposition.share[:, e.trace.id(e.answer)]
    most = shares.max() / shares.sum()
    return most, bool(most < 0.5)


@claim("every MLP, and all heads of a block together, add to the answer's logit", decimals)
def every_part_of_a_block_helps(e: Evidence) -> Truth:
    shares = dict(zip(e.decomposition.origins, e.decomposition.share[:, e.trace.id(e.answer)], strict=True))
    blocks = range(1, e.config.n_layer + 1)
    sums = [sum(v for name, v in shares.items() if name.startswith(f"block {l}, head")) for l in blocks]
    least = min([*sums, *(shares[f"block {l}, MLP"] for l in blocks)])
    return least, bool(least > 0)


@claim("the widest of all attention weights into the last position is one to the animal")
def widest_is_the_animal(e: Evidence) -> Truth:
    token = e.trace.tokens[e.decomposition.widest[2]]
    return token, token == subject(e)[0]


@claim("without any one of the attention weights into the last position, the answer is still the most probable", count)
def no_weight_decides(e: Evidence) -> Truth:
    lost = int((~answered(e, e.ablation.without_weight)).sum())
    return lost, lost == 0


@claim("the widest attention weight into the last position is the one whose loss costs the answer most")
def widest_costs_most(e: Evidence) -> Truth:
    l, h, k = (int(i) for i in np.unravel_index(e.ablation.weight_effect.argmax(), e.ablation.weight_effect.shape))
    return f"{e.trace.tokens[k]}, block {l + 1}, head {h + 1}", (l, h, k) == e.decomposition.widest


@claim(
    "of the looks at the animal above one half, without one the answer loses over three times what another costs", times
)
def wide_looks_cost_differently(e: Evidence) -> Truth:
    costs = e.ablation.weight_effect[:, :, subject(e)[1]][looks(e) > 0.5]
    least, most = max(costs.min(initial=1), 1e-3), costs.max(initial=0)
    return most / least, most > 3 * least


@claim("without any one of the heads, the answer is still the most probable word", count)
def no_head_decides(e: Evidence) -> Truth:
    lost = int((~answered(e, e.ablation.without_head)).sum())
    return lost, lost == 0


@claim("without all heads of the first block, the answer is still the most probable word")
def first_heads_can_go(e: Evidence) -> Truth:
    said = best(e, e.ablation.without_heads[0])
    return said, said == e.answer


@claim("without all heads of the last block, another word is the most probable")
def last_heads_decide(e: Evidence) -> Truth:
    said = best(e, e.ablation.without_heads[-1])
    return said, said != e.answer


@claim("losing all heads of the last block costs the answer more than the losses of each of them added up", times)
def last_heads_stand_in(e: Evidence) -> Truth:
    ratio = e.ablation.heads_effect[-1] / e.ablation.head_effect[-1].sum()
    return ratio, e.ablation.heads_effect[-1] > e.ablation.head_effect[-1].sum()


@claim("losing the first MLP costs the answer more than losing the last one", decimals)
def first_mlp_matters_more(e: Evidence) -> Truth:
    more = e.ablation.mlp_effect[0] - e.ablation.mlp_effect[-1]
    return more, more > 0


@claim(
    "losing the first MLP at every position costs the answer more than twice what it costs at the last one", decimals
)
def mlp_works_elsewhere(e: Evidence) -> Truth:
    more = e.ablation.mlp_effect[0] - 2 * e.ablation.effect(e.ablation.last_mlp)[0]
    return more, more > 0


@claim(
    "setting the first block's heads to their mean takes less than a fifth of the probability from the answer", percent
)
def first_heads_say_little(e: Evidence) -> Truth:
    effect = e.ablation.effect(e.ablation.mean_heads)[0]
    return effect, effect < 0.2


@claim("what enters the first block has at every position a cosine above 0.85 with the token's embedding", decimals)
def enters_as_the_token(e: Evidence) -> Truth:
    return entering_cosine(e), entering_cosine(e) > 0.85


@claim("no token has half of the squares of any component of the embedding", percent)
def no_component_is_a_word(e: Evidence) -> Truth:
    squares = e.trace.embedding**2
    most = (squares / squares.sum(axis=0)).max()
    return most, most < 0.5


@claim("for more than a third of the queries that have a future, in all heads, the best key lies there", percent)
def mask_hides_the_best(e: Evidence) -> Truth:
    return masked_share(e), masked_share(e) > 1 / 3


@claim("no component makes half of the score of the widest attention weight into the last position", percent)
def no_component_makes_the_score(e: Evidence) -> Truth:
    l, h, k = e.decomposition.widest
    product = e.decomposition.product[l, h, -1, k]
    share = product.max() / product.sum()
    return share, share < 0.5


@claim(
    "in the head that looks most, the keys that fit the last query best are, on average, those of the animals", count
)
def looks_for_animals(e: Evidence) -> Truth:
    return fitting_best(e, kinds()[0])


@claim(
    "in the head that looks most, the keys that fit the last query best are, on average, those of the animals and "
    "their homes",
    count,
)
def looks_for_linked_words(e: Evidence) -> Truth:
    animals, homes = kinds()
    return fitting_best(e, [*animals, *homes])


@claim("what that head hands to the last position has a cosine above 0.99 with the value of the animal", decimals)
def hands_over_the_animal(e: Evidence) -> Truth:
    l, h = e.decomposition.head
    same = cosine(e.trace.mixed[l, h, -1], e.trace.value[l, h, subject(e)[1]])
    return same, same > 0.99


@claim("what that head writes at the last position raises the logit of the answer more than any other")
def head_names_the_answer(e: Evidence) -> Truth:
    l, h = e.decomposition.head
    origin = e.decomposition.origins.index(f"block {l + 1}, head {h + 1}")
    raised = e.trace.vocab[int(e.decomposition.share[origin].argmax())]
    return raised, raised == e.answer


@claim("at the last position, ReLU makes zero of more than half of the hidden units of each block", percent)
def relu_silences_most(e: Evidence) -> Truth:
    return silent(e).min(), silent(e).min() > 0.5


@claim("a quarter of the components make more than half of what sets the winner's logit off from the second's", percent)
def few_components_decide(e: Evidence) -> Truth:
    apart = np.sort(np.abs(e.decomposition.agreement[0] - e.decomposition.agreement[1]))
    share = apart[-(len(apart) // 4) :].sum() / apart.sum()
    return share, share > 0.5
