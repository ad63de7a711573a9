#!/usr/bin/env bash
# torch 2.13.0: the Bessel functions of torch.special have six digits in float64, and a jump at 5.
#
# Expected: bessel_j0, bessel_j1, bessel_y0 and bessel_y1 are double precision functions, right to about 1e-15, as
# SciPy's are, which come from the same library of 1984 (Cephes).
# Seen: from 2.5 to 15 they are wrong by up to 8e-7, and at x = 5, where one formula hands over to the next, J0 jumps by
# 4e-7. No second library is needed to see it: J1 Y0 - J0 Y1 is 2 / (pi x) for every x, and torch's own four functions
# miss it. airy_ai is wrong by up to 3e-6 between -4.5 and -2.1.
# Why: Cephes stores the denominators of these quotients without their first coefficient, which is 1, and has a second
# routine for such polynomials. torch (aten/src/ATen/native/Math.h) uses the stored numbers as if they were all of them.
# With the 1 put back, the formula for J0 at 5.5 gives SciPy's number to the last bit.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 scipy==1.17.1
"$work/venv/bin/python" - <<'PY'
import math

import scipy.special
import torch


def double(x):
    return torch.tensor(x, dtype=torch.float64)


worst = 0.0
for x in (2.0, 4.0, 5.5, 6.0, 8.0, 20.0):
    j0, j1, y0, y1 = (getattr(torch.special, f"bessel_{name}")(double(x)).item() for name in ("j0", "j1", "y0", "y1"))
    error = abs((j1 * y0 - j0 * y1) * math.pi * x / 2 - 1)
    worst = max(worst, error)
    print(f"x = {x:4}: J0 is {j0 - scipy.special.j0(x):+.1e} off; the identity of the four functions by {error:.1e}")
below, above = (torch.special.bessel_j0(double(x)).item() for x in (5.0, 5.0 + 1e-9))
print(f"J0 from 5 to 5 + 1e-9: {above - below:+.1e} (its slope there is {-scipy.special.j1(5.0):.2f})")
airy = torch.special.airy_ai(double(-2.2)).item() - scipy.special.airy(-2.2)[0]
print(f"Ai at -2.2 is {airy:+.1e} off")
assert worst > 1e-8 and abs(above - below) > 1e-8 and abs(airy) > 1e-8, "the behaviour has changed: double precision at last"
PY
