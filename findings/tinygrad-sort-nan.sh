#!/usr/bin/env bash
# tinygrad 0.14.0: sorting 3, NaN, 1, 2 gives 1, 2, 3, 3.
#
# Expected: a sort returns the elements that it was given in another order; where NaN stands is a matter of convention
# (numpy and torch put it last).
# Seen: the NaN is gone and a number is there twice: the network of pairwise minima and maxima takes the number from
# both sides of a pair with NaN. The indices that sort() returns next to it need not fit the values. No error.
# The result of maximum() depends on the order in the same way: maximum(NaN, 1) is NaN, maximum(1, NaN) is 1.
# Run with DEV=PYTHON, the backend that needs no compiler.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet tinygrad==0.14.0 numpy==2.4.6
DEV=PYTHON CACHEDB="$work/cache.db" "$work/venv/bin/python" - <<'PY'
from tinygrad import Tensor

nan = float("nan")
results = {}
for given in ([3.0, nan, 1.0, 2.0], [nan, 3.0, 1.0, 2.0], [3.0, 1.0, 2.0, nan]):
    values, indices = Tensor(given).sort()
    results[str(given)] = values.tolist()
    print(f"{given}: values {values.tolist()}, indices {indices.tolist()}")
print("maximum(NaN, 1), maximum(1, NaN):", Tensor([nan, 1.0]).maximum(Tensor([1.0, nan])).tolist())
assert results["[3.0, nan, 1.0, 2.0]"] == [1.0, 2.0, 3.0, 3.0], "the behaviour has changed"
PY
