#!/usr/bin/env bash
# onnx 1.23.2: the reference evaluator's LpPool weighs a window that sticks out as if it were full.
#
# Expected: onnx.reference is the executable form of the specification: the norm of a window is taken over its elements.
# With ceil_mode=1 the last window may hold fewer; what is outside does not count.
# Seen: the last window of 1, 2, 3, 4, 5 with a kernel of 2 holds only the 5; its 1-norm comes out as 10, its 2-norm as
# 7.07. With a kernel of 3, {4, 50} has the 1-norm 81 in place of 54: it looks as if the average of what is there were
# taken and multiplied by the size of a full kernel. Full windows are right. onnxruntime 1.31.1 says 5 and 54. Who tests
# a backend against the reference, which is what it is for, finds a fault in the wrong place.
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


def pool(values, kernel, p):
    node = helper.make_node("LpPool", ["x"], ["y"], kernel_shape=[kernel], strides=[kernel], ceil_mode=1, p=p)
    shape = [1, 1, len(values)]
    graph = helper.make_graph(
        [node],
        "pool",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, -(-len(values) // kernel)])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    checker.check_model(model, full_check=True)
    feed = {"x": np.array(values, np.float32).reshape(shape)}
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    answers = [np.round(y.ravel(), 4).tolist() for y in (ReferenceEvaluator(model).run(None, feed)[0], session.run(None, feed)[0])]
    print(f"{values}, kernel {kernel}, p = {p}: reference {answers[0]}, onnxruntime {answers[1]}")
    return answers


for values, kernel, p, seen, right in (
    ([1, 2, 3, 4, 5], 2, 1, 10, 5),
    ([1, 2, 3, 4, 5], 2, 2, 7.0711, 5),
    ([1, 2, 3, 4, 50], 3, 1, 81, 54),
):
    reference, runtime = pool(values, kernel, p)
    assert reference[:-1] == runtime[:-1]
    assert abs(reference[-1] - seen) < 1e-3 and abs(runtime[-1] - right) < 1e-3, "the behaviour has changed"
PY
