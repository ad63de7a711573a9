#!/usr/bin/env bash
# torch 2.13.0, CPU: fused=True gives each weight the gradient of another one where their memory layouts differ.
#
# Expected: fused is a faster way to the same step; if a layout is not supported, it says so or falls back.
# Seen: SGD, Adam, AdamW and Adagrad with fused=True walk through the memory of the weight and of the gradient side by
# side. A weight that was transposed (or is channels-last) with a row-major gradient takes the step of the wrong
# element, without a word; foreach=True and the plain loop are right. Gradients that autograd accumulates usually take
# over the layout of the weight; those that are set by hand (from torch.func.grad, from another process, out of a
# bucket) need not.
# On CUDA the fused path is known to refuse such a pair with an error (pytorch issues 106951, 110758); the CPU one
# checks nothing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import torch


def step(kind, **options):
    weight = torch.nn.Parameter(torch.zeros(2, 3).t())  # 3 x 2, column-major
    assert weight.stride() == (1, 3)
    optimizer = kind([weight], lr=1.0, **options)
    for power in (1, 2):  # the second step of Adam differs from element to element
        weight.grad = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]) ** power  # row-major
        optimizer.step()
    return weight.detach()


print("SGD, two steps of rate 1 from zero; plain:", step(torch.optim.SGD, foreach=False).tolist())
print("                                    fused:", step(torch.optim.SGD, fused=True).tolist())
for kind in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.Adagrad):
    plain, foreach, fused = step(kind, foreach=False), step(kind, foreach=True), step(kind, fused=True)
    print(f"{kind.__name__}: fused is off by up to {(fused - plain).abs().max():.3f}, foreach by {(foreach - plain).abs().max():.1e}")
    assert torch.allclose(plain, foreach) and not torch.allclose(plain, fused, atol=1e-3), "the behaviour has changed"
assert step(torch.optim.SGD, fused=True).tolist() == [[-2.0, -20.0], [-6.0, -30.0], [-12.0, -42.0]], "the behaviour has changed"
PY
