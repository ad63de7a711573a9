#!/usr/bin/env bash
# blosc2 4.14.1: 7 / 2 is 3.0 if both are in compressed integer arrays, and 3.5 if either is a number or a numpy array.
#
# Expected: operators of blosc2's lazy expressions follow numpy: / of integers is true division, and the result type,
# float64, says so.
# Seen: of two integer NDArrays the quotient is cut to a whole number towards zero and then stored as a float64, in each
# way to write it: A / B, blosc2.divide, lazyexpr("A / B"), with a term added as well, in small arrays and in a million
# elements. The same expression with a Python number or numpy arrays as operands is right, so a test on those passes. A
# // B is right, too.
# Also, the remainder takes the sign of the dividend where numpy's (and the numpy operands' here) takes that of the
# divisor.
# No warning. It looks as if the engine of this year's releases (miniexpr) computes in the type of the operands and
# converts the result; multiplying by 1.0 first is the way round.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet blosc2==4.14.1 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import blosc2
import numpy as np

a, b = np.array([7, -7, 3, 5]), np.array([2, 2, -2, 4])
A, B = blosc2.asarray(a), blosc2.asarray(b)
ways = {
    "A / B": (A / B)[:],
    "A / B + 0.5 - 0.5": (A / B + 0.5 - 0.5)[:],
    "divide(A, B)": blosc2.divide(A, B)[:],
    "a / b, of numpy": blosc2.lazyexpr("a / b", {"a": a, "b": b})[:],
    "A * 1.0 / B": (A * 1.0 / B)[:],
}
for name, result in ways.items():
    print(f"{name:17}: {result.tolist()} as {result.dtype}")
print(f"A / 2            : {(A / 2)[:].tolist()}; numpy's a / b and a / 2: {(a / b).tolist()}, {(a / 2).tolist()}")
print(f"A % B            : {(A % B)[:].tolist()}; numpy's a % b: {(a % b).tolist()}")
many = np.arange(1_000_000)
off = np.abs((blosc2.asarray(many) / blosc2.asarray(many % 7 + 1))[:] - many / (many % 7 + 1))
print(f"of a million quotients {(off > 1e-9).sum():,} are wrong")
for name in ("A / B", "A / B + 0.5 - 0.5", "divide(A, B)"):
    assert ways[name].tolist() == [3.0, -3.0, -1.0, 1.0] and ways[name].dtype == np.float64, "the behaviour has changed"
for name in ("a / b, of numpy", "A * 1.0 / B"):
    assert ways[name].tolist() == (a / b).tolist()
PY
