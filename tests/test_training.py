"""The training: robust, not lucky, and the same on every machine."""

import multiprocessing
import os
import statistics
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import pytest
import torch

import gpt
from tests.conftest import ROOT, lines

pytestmark = pytest.mark.slow


def held_out_after(seed: int) -> tuple[bool, float]:
    """Whether a training predicts the held-out word, and its probability."""
    torch.set_num_threads(1)
    corpus, held_out = lines("train.txt"), lines("held_out.txt")[0]
    tokenizer = gpt.Tokenizer(corpus)
    model = gpt.train(gpt.Config(n_vocab=len(tokenizer.vocab), seed=seed), tokenizer, corpus)
    prompt, answer = held_out.rsplit(maxsplit=1)
    trace = gpt.trace(model, tokenizer, prompt)
    return trace.prediction == answer, trace.probability(answer)


def test_32_trainings_generalise():
    # Forked from a process in which torch has run, a child may wait for threads that it does not have.
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        right, probabilities = zip(*pool.map(held_out_after, range(1, 33)), strict=True)
    assert sum(right) >= 31
    assert statistics.median(probabilities) >= 0.8


FINGERPRINT = """
import sys, torch, gpt
from tests.conftest import lines
torch.set_num_threads(int(sys.argv[1]))
tokenizer = gpt.Tokenizer(lines("train.txt"))
config = gpt.Config(n_vocab=len(tokenizer.vocab), steps=400)
print(gpt.fingerprint(gpt.train(config, tokenizer, lines("train.txt"))))
"""


def test_every_processor_gives_the_same_weights():
    """To the last bit: under other instruction sets, other matrix routines, more threads and other hash seeds."""
    settings = [
        ("1", {"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE", "PYTHONHASHSEED": "1"}),
        ("2", {"ATEN_CPU_CAPABILITY": "avx2", "PYTHONHASHSEED": "2"}),
        ("1", {"PYTHONHASHSEED": "3"}),
    ]
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", FINGERPRINT, threads], cwd=ROOT, env=os.environ | variables, stdout=subprocess.PIPE
        )
        for threads, variables in settings
    ]
    assert len({run.communicate()[0] for run in runs}) == 1
    assert {run.returncode for run in runs} == {0}
