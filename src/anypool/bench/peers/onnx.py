"""onnxruntime: a small ONNX graph, channels first; its threads do not spin."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from ..job import Job
from ..recipes import Space, recipe
from . import Ready, forward_only, joined, only

OPSET = 20
TYPES = {
    "float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE, "float16": TensorProto.FLOAT16,
    "uint8": TensorProto.UINT8, "int32": TensorProto.INT32, "bool": TensorProto.BOOL,
    "int64": TensorProto.INT64,
}  # fmt: skip
_threads = [1]


def start(threads: int) -> None:
    _threads[0] = threads


class Value:
    """A value of the graph, with the arithmetic that recipes write."""

    def __init__(self, graph: Graph, name: str, dtype: Any) -> None:
        self.graph, self.name, self.dtype = graph, name, dtype

    def __neg__(self) -> Value:
        return self.graph.node("Neg", self)

    def __mul__(self, other: Any) -> Value:
        return self.graph.node("Mul", self, self.graph.value(other, self))

    def __sub__(self, other: Any) -> Value:
        return self.graph.node("Sub", self, self.graph.value(other, self))

    def __rsub__(self, other: Any) -> Value:
        return self.graph.node("Sub", self.graph.value(other, self), self)

    def __truediv__(self, other: Any) -> Value:
        return self.graph.node("Div", self, self.graph.value(other, self))


class Graph(Space):
    """Nodes, added as the recipe asks for them."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, kind: str, *inputs: Value, dtype: Any = None, **attributes: Any) -> Value:
        name = f"v{len(self.nodes)}"
        names = [value.name for value in inputs]
        self.nodes.append(helper.make_node(kind, names, [name], **attributes))
        return Value(self, name, dtype or inputs[0].dtype)

    def value(self, other: Any, like: Value) -> Value:
        return other if isinstance(other, Value) else self.constant(np.asarray(other), like)

    def constant(self, a: np.ndarray, like: Value) -> Value:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(a, like.dtype), name))
        return Value(self, name, like.dtype)

    def top(self, t: Value) -> Value:
        if self.job.kind == "whole":
            return self.node("GlobalMaxPool", t)
        return self.node("MaxPool", t, **self._sliding(), dilations=list(self.job.dilation))

    def mean(self, t: Value, padded: bool) -> Value:
        if self.job.kind == "whole":
            return self.node("GlobalAveragePool", t)
        more = {"dilations": list(self.job.dilation)} if set(self.job.dilation) != {1} else {}
        return self.node("AveragePool", t, **self._sliding(), **more, count_include_pad=int(padded))

    def _sliding(self) -> dict[str, list[int]]:
        job = self.job
        blocks = job.blocks if job.kind == "adaptive" else None
        only(job.kind == "sliding" or blocks is not None, "ONNX has no such windows")
        return {
            "kernel_shape": [*(blocks or job.kernel)],
            "strides": [*(blocks or job.stride)],
            "pads": [0, 0] * job.rank if blocks else [*job.padding, *job.padding],
        }

    def exp(self, t: Value) -> Value:
        return self.node("Exp", t)

    def log(self, t: Value) -> Value:
        return self.node("Log", t)

    def power(self, t: Value, p: float) -> Value:
        return self.node("Sqrt", t) if p == 0.5 else self.node("Pow", t, self.value(p, t))

    def least(self, t: Value, number: float) -> Value:
        return self.node("Max", t, self.number(number, t))

    def where(self, condition: Value, t: Value, other: Value) -> Value:
        return self.node("Where", condition, t, other, dtype=t.dtype)

    def equal(self, t: Value, number: float) -> Value:
        return self.node("Equal", t, self.number(number, t), dtype=np.dtype(bool))

    def wide(self, t: Value) -> Value:
        floats = self.job.floating and t.dtype == bool
        name = self.job.dtype if floats else "float32"
        return self.node("Cast", t, dtype=np.dtype(name), to=TYPES[name])


def make(job: Job) -> Ready:
    """A session of the graph."""
    forward_only(job)
    only(job.layout == "first", "ONNX pools channels first only")
    only(job.dtype in TYPES, f"it takes no {job.dtype} from NumPy")
    given: dict[str, np.ndarray] = {"x": job.data()}
    if (mask := job.mask()) is not None:
        given["mask"] = mask
    graph = Graph(job)
    values = [Value(graph, name, a.dtype) for name, a in given.items()]
    if job.operation == "max and indices":
        results = _indices(graph, values)
    else:
        results = [recipe(graph)(*values)]
    session = _session(graph, given, results)
    return Ready(partial(session.run, None, given), partial(_numbers, job))


def _indices(graph: Graph, values: list[Value]) -> list[Value]:
    only(len(values) == 1 and graph.job.kind == "sliding", "ONNX has no such indices")
    top = graph.top(values[0])
    graph.nodes[-1].output.append("indices")
    return [top, Value(graph, "indices", np.dtype(np.int64))]


def _session(graph: Graph, given: dict[str, np.ndarray], results: list[Value]) -> Any:
    inputs = [helper.make_tensor_value_info(n, TYPES[a.dtype.name], a.shape)
              for n, a in given.items()]  # fmt: skip
    outputs = [helper.make_tensor_value_info(r.name, TYPES[r.dtype.name], None) for r in results]
    made = helper.make_graph(graph.nodes, "job", inputs, outputs, graph.constants)
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9, producer_name="anypool"
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = _threads[0], 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _numbers(job: Job, result: list[np.ndarray]) -> np.ndarray:
    if len(result) == 1:
        return result[0]
    values, indices = result  # flat over the whole tensor
    plane = int(np.prod(job.sides))
    return joined(values, indices % plane)
