#!/usr/bin/env bash
# onnxruntime 1.31.1: the operator Unique counts NaN as one of the other numbers.
#
# Expected: Unique returns the distinct values, where each value of the input first stands, which of them it is, and how
# often it occurs. The specification does not name NaN; numpy makes one entry of them all, torch one of each. The
# reference evaluator that comes with onnx has one.
# Seen: for 3, 1, 3, NaN, 5, NaN there is no NaN in the answer at all. Both are counted as 1.0 ("1 occurs three times"),
# and taking the values at the returned inverse indices, which should give the input back, gives 1 where it had NaN. No
# error, no warning. A set ordered by "less than", for which NaN is equal to whatever it is compared with, would explain
# it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnxruntime==1.31.1 onnx==1.23.2 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper
from onnx.reference import ReferenceEvaluator

given = np.array([3, 1, 3, np.nan, 5, np.nan], np.float32)
names = ["values", "first", "inverse", "counts"]
for order in (0, 1):
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT if name == "values" else TensorProto.INT64, [None]) for name in names
    ]
    graph = helper.make_graph(
        [helper.make_node("Unique", ["x"], names, sorted=order)],
        "unique",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [6])],
        outputs,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    runtime = session.run(None, {"x": given})
    reference = ReferenceEvaluator(model).run(None, {"x": given})
    for who, (values, _, inverse, counts) in (("onnxruntime", runtime), ("reference  ", reference)):
        print(f"sorted={order} {who}: values {values.tolist()} counts {counts.tolist()} input again {values[inverse].tolist()}")
    assert not np.isnan(runtime[0]).any() and (runtime[0][runtime[2]] == [3, 1, 3, 1, 5, 1]).all(), "the behaviour has changed"
    assert np.isnan(reference[0]).sum() == 1
PY
