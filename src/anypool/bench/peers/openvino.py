"""OpenVINO: a model of its operations, channels first, float32 kept as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino  # pyright: ignore[reportMissingImports]
from openvino import opset14 as ops  # pyright: ignore[reportMissingImports]

from ..job import Job
from ..recipes import Space, recipe
from . import Ready, forward_only, joined, only

openvino_lib: Any = openvino  # its stubs are of its inner module
_threads = [1]


def start(threads: int) -> None:
    _threads[0] = threads


class Nodes(Space):
    """OpenVINO's nodes, which know the arithmetic signs."""

    def _sliding(self) -> tuple[list[int], list[int]]:
        only(self.job.kind == "sliding", "a pyramid is not written by hand here")
        return [*self.job.stride], [*self.job.padding]

    def _axes(self) -> np.ndarray:
        return np.array(self.job.axes, np.int64)

    def top(self, t: Any) -> Any:
        found = self.found(t)
        if found.get_output_size() == 1:
            return found
        # an output has no arithmetic signs, a node has; the plugin leaves this convert out
        return ops.convert(found.output(0), found.get_output_element_type(0))

    def found(self, t: Any) -> Any:
        """Values and indices; whole windows have but values."""
        job = self.job
        if job.kind == "whole":
            return ops.reduce_max(t, self._axes(), keep_dims=True)
        if job.kind == "adaptive":
            return ops.adaptive_max_pool(t, np.array(job.outputs, np.int64), "i32")
        strides, pads = self._sliding()
        return ops.max_pool(t, strides, [*job.dilation], pads, pads, [*job.kernel], axis=2)

    def mean(self, t: Any, padded: bool) -> Any:
        job = self.job
        if job.kind == "whole":
            return ops.reduce_mean(t, self._axes(), keep_dims=True)
        if job.kind == "adaptive":
            return ops.adaptive_avg_pool(t, np.array(job.outputs, np.int64))
        only(set(job.dilation) == {1}, "its average has no dilation")
        strides, pads = self._sliding()
        return ops.avg_pool(t, strides, pads, pads, [*job.kernel], exclude_pad=not padded)

    def turned(self, t: Any) -> Any:
        return ops.negative(t)

    def exp(self, t: Any) -> Any:
        return ops.exp(t)

    def log(self, t: Any) -> Any:
        return ops.log(t)

    def power(self, t: Any, p: float) -> Any:
        return ops.sqrt(t) if p == 0.5 else ops.power(t, self.number(p, t))

    def least(self, t: Any, number: float) -> Any:
        return ops.maximum(t, self.number(number, t))

    def where(self, condition: Any, t: Any, other: Any) -> Any:
        return ops.select(condition, t, other)

    def equal(self, t: Any, number: float) -> Any:
        return ops.equal(t, self.number(number, t))

    def wide(self, t: Any) -> Any:
        floats = self.job.floating and t.get_element_type() == openvino_lib.Type.boolean
        return ops.convert(t, _type(self.job.dtype if floats else "float32"))

    def constant(self, a: np.ndarray, like: Any) -> Any:
        dtype = like.get_element_type().to_dtype()
        return ops.constant(np.asarray(a, dtype))


def _type(name: str) -> Any:
    return openvino_lib.Type(np.dtype(name).type)


def make(job: Job) -> Ready:
    """A request of the compiled model; inputs and outputs lie where they are."""
    forward_only(job)
    only(job.layout == "first", "its pooling is channels first")
    only(job.dtype != "bfloat16", "it takes no bfloat16 from NumPy")
    arrays = [a for a in (job.data(), job.mask()) if a is not None]
    inputs = [ops.parameter(list(a.shape), _type(a.dtype.name)) for a in arrays]
    nodes, indices = Nodes(job), job.operation == "max and indices"
    if indices:
        only(len(arrays) == 1 and job.kind != "whole", "it has no such indices")
        made = nodes.found(inputs[0])
        results = [made.output(0), made.output(1)]
    else:
        results = [recipe(nodes)(*inputs)]
    model = openvino_lib.Model([ops.result(r) for r in results], inputs, "job")
    settings = {"INFERENCE_NUM_THREADS": _threads[0], "INFERENCE_PRECISION_HINT": "f32",
                "NUM_STREAMS": 1}  # fmt: skip
    request = openvino_lib.Core().compile_model(model, "CPU", settings).create_infer_request()

    def call() -> Any:
        return request.infer(arrays, share_inputs=True, share_outputs=True)

    def numbers(result: Any) -> np.ndarray:
        found = [np.array(result[i]) for i in range(len(results))]
        return joined(*found) if indices else found[0]

    return Ready(call, numbers)
