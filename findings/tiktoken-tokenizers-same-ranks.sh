#!/usr/bin/env bash
# tiktoken 0.14.0 and tokenizers 0.23.3: one vocabulary, one order of merges, two ways to cut a word.
#
# Expected: byte-pair encoding is its list of merges in order. A vocabulary whose ids are that order says the same
# thing, and converters take the one for the other.
# Seen: with the merges b+c, a+b, ab+c, the word "abc" is a, bc in tokenizers and abc in tiktoken. tokenizers knows
# pairs: bc is merged first, and no merge of a with bc is on the list. tiktoken knows only results: a with bc makes
# "abc", which has a rank, so it is merged, too. Both do what they document. A trained list is seldom such a one (with
# 8,000 tokens from a library's source text none of 19,214 words differed), but lists that were pruned, joined or
# written by hand do, and then a model reads other tokens than it was trained on.
# BPE(..., ignore_merges=True) of tokenizers finds abc as a whole word, and still cuts abcd otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet tiktoken==0.14.0 tokenizers==0.23.3
"$work/venv/bin/python" - <<'PY'
import tiktoken
from tokenizers import Tokenizer, models

merges = [("b", "c"), ("a", "b"), ("ab", "c")]
tokens = ["a", "b", "c", "d"] + [left + right for left, right in merges]
vocabulary = {token: rank for rank, token in enumerate(tokens)}
by_pairs = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
words_first = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=True))
by_results = tiktoken.Encoding("x", pat_str=r"\S+", mergeable_ranks={k.encode(): v for k, v in vocabulary.items()}, special_tokens={})
cuts = {}
for word in ("abc", "abcd"):
    cuts[word] = (by_pairs.encode(word).tokens, words_first.encode(word).tokens, [by_results.decode([i]) for i in by_results.encode(word)])
    print(f"{word}: tokenizers {cuts[word][0]}, with ignore_merges {cuts[word][1]}, tiktoken {cuts[word][2]}")
assert cuts["abc"] == (["a", "bc"], ["abc"], ["abc"]) and cuts["abcd"] == (["a", "bc", "d"], ["a", "bc", "d"], ["abc", "d"]), "changed"
PY
