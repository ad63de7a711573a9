#!/usr/bin/env bash
# mlx 0.32.4 on a CPU: the mean of 33,554,432 numbers that are all 0.1 is 0.0625.
#
# Expected: float32 sums are made in pieces (numpy and torch do), so that the mean of equal numbers is that number to
# six digits.
# Seen: sums stand still once they are so large that a further number changes nothing: that of 2**25 ones is 16,777,216
# = 2**24 exactly, and the mean of 0.1 is 38 % too small. At 2**23 numbers it is 6 % too large, at a million 1 %. No
# warning. A layer's mean over a batch of images has such sizes. Summing twice, over a reshape to two axes, is right.
# Seen on x86-64. The documentation does not speak of accuracy. Pull request 4387 of August 2026 widens sums on such
# processors; the release of October still has it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet mlx==0.32.4 mlx-cpu==0.32.4 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import mlx.core as mx
import numpy as np

mx.set_default_device(mx.cpu)
for power in (16, 20, 23, 25):
    x = np.full(2**power, 0.1, np.float32)
    print(f"mean of 2**{power} times 0.1: mlx {mx.mean(mx.array(x)).item():.7f}, numpy {x.mean():.7f}")
ones = mx.ones(2**25)
whole, twice = mx.sum(ones).item(), mx.sum(mx.sum(ones.reshape(2**13, 2**12), axis=1)).item()
print(f"sum of 2**25 = {2**25} ones: {whole:.0f}, in two steps {twice:.0f}")
assert abs(mx.mean(mx.array(x)).item() - 0.1) > 0.03 and whole == 2**24 and twice == 2**25, "the behaviour has changed"
PY
