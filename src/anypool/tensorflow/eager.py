"""CPU tensors straight to the kernels, with a derivative.

A :class:`Job` is one pooling of tensors that lie alike: everything but the data, worked out once.
Max and min keep one byte for each output; sum and mean keep nothing. Everything else goes through
the tape, which keeps its inputs. Derivatives of derivatives are taken in plain operations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import engine, kernels
from ..tape import Tape
from . import builtin, graph, straight
from .lift import Tensor, tf
from .request import Request
from .tensors import array_of, empty, tensor_of

try:  # whether anybody records: asked of a part that TensorFlow does not promise to keep
    from tensorflow.python.eager.record import could_possibly_record as recording
except ImportError:  # then every call is made as if somebody did

    def recording() -> bool:
        return True


class Job:
    """Pool arrays of one shape and dtype by fast kernels."""

    def __init__(self, call: engine.Call, go: Any, train: Any) -> None:
        plan, grid = call.plan, call.layout.grids[0]
        self.go, self.train, self.dtype = go, train, plan.work
        self.x_shape, self.y_shape = plan.shape, plan.out_shape(grid)
        self.extreme = plan.recipe.family == "extreme"
        self.plan, self.threads, self.grid = plan, call.threads, grid

    def infer(self, x: np.ndarray) -> Tensor:
        """Pool, with nothing kept."""
        y = empty(self.y_shape, self.dtype)
        self.go(_bits(x), _bits(y))
        return tensor_of(y)

    def keep(self, x: np.ndarray) -> tuple[Tensor, np.ndarray]:
        """Pool max or min, and keep where in its window each output stood."""
        y = empty(self.y_shape, self.dtype)
        taps = np.empty(self.y_shape, self.train.tap_dtype)
        self.train.forward(x, y, taps, self.threads)
        kernels.fill_empty(self.plan, self.grid, y)
        return tensor_of(y), taps

    def back(self, g: np.ndarray, taps: np.ndarray | None) -> Tensor:
        """The derivative by x."""
        gx = empty(self.x_shape, self.dtype)
        self.train.backward(g, taps, gx, self.threads)
        return tensor_of(gx)


LEAST = 500_000  # elements from which TensorFlow's own means are taken
CHANNELS = 16  # with at least as many of them next to each other in memory


def theirs(request: Request, x: np.ndarray) -> Callable[[Tensor], Tensor] | None:
    """TensorFlow's own operation for a mean, where it means the same and is faster.

    That is large means in float32 with channels last. Max stays here: TensorFlow's loses NaN.
    """
    if request.reduction.name != "mean" or x.dtype != np.float32 or x.size < LEAST:
        return None
    plan = request.prepare(x).plan
    if plan.axes[-1] != x.ndim - 2 or x.shape[-1] < CHANNELS or not straight.serves(plan, ()):
        return None
    if all(table.counts.tolist() == [[n]] for table, n in zip(
        plan.fixed.grids[0], plan.sizes, strict=True)):  # type: ignore[union-attr]  # fmt: skip
        return lambda t: tf.reduce_mean(t, plan.axes, plan.windows.keepdims)
    own = builtin.find(plan)
    return own if plan.result == plan.natural and plan.windows.keepdims else None


JOBS: dict[Any, Any] = {}
MOST_JOBS = 4096


def job_for(request: Request, x: np.ndarray) -> Any:
    """The fast kernels for this pooling of arrays like x, or TensorFlow's own, if one serves."""
    if request.common.keys() & {"mask", "sizes", "rng"}:
        return None
    key = (x.shape, x.dtype, *request[:3], request.indices, tuple(request.common.items()))
    try:
        found: Any = JOBS.get(key, key)
    except TypeError:  # a list among the arguments
        return None
    if found is not key:
        return found
    if len(JOBS) >= MOST_JOBS:
        JOBS.clear()
    JOBS[key] = made = theirs(request, x) or _make(request, x)
    return made


def _make(request: Request, x: np.ndarray) -> Job | None:
    if not x.size:
        return None
    call = request.prepare(x)
    plan = call.plan
    simple = call.path == "kernels" and not plan.windows.joined and plan.windows.keepdims
    exact = plan.result == plan.work and plan.options.fill is not None
    if not (simple and exact and plan.fixed is not None):
        return None
    y = empty(plan.out_shape(call.layout.grids[0]), plan.work)
    go = kernels.into(plan, call.layout, x, y, call.threads)
    train = kernels.for_training(plan, call.layout, 0, x)
    if (train if request.indices else go) is None:
        return None
    return Job(call, go, train)


def _bits(a: np.ndarray) -> np.ndarray:
    """Halves as the uint16 that kernels read."""
    return a.view(np.uint16) if a.dtype.itemsize == 2 and a.dtype.kind in "fV" else a


def pooled(request: Request, x: Tensor, weights: Tensor | None, parameter: Tensor | None) -> Any:
    """Pool; the derivative is there where somebody records."""
    a = array_of(x)
    wanted = recording() and (x.dtype.is_floating or weights is not None or parameter is not None)
    job = job_for(request, a) if weights is None and parameter is None else None
    if job is not None and not isinstance(job, Job):
        return job(x)
    if job is not None and (job.train is not None or not wanted):
        return _by_job(job, request, x, a, wanted)
    if not wanted:
        made = engine.run(request.prepare(a, weights, parameter))
        return _with_indices(tensor_of(made.y), made.indices)
    return _by_tape(request, x, weights, parameter)


def _with_indices(y: Tensor, indices: np.ndarray | None) -> Any:
    return y if indices is None else (y, tensor_of(indices))


def _by_job(job: Job, request: Request, x: Tensor, a: np.ndarray, wanted: bool) -> Any:
    if not wanted and not request.indices:
        return job.infer(a)
    y, taps = job.keep(a) if job.extreme else (job.infer(a), None)
    found = _with_indices(y, job.train.places(taps) if request.indices else None)
    if not wanted:
        return found
    return differentiable(request, [x, None, None], found, lambda g: [job.back(g, taps)])


def _by_tape(request: Request, x: Tensor, weights: Tensor | None, parameter: Tensor | None) -> Any:
    call = request.prepare(array_of(x), weights, parameter)
    tape = Tape(call)
    found = tensor_of(tape.forward())
    if request.indices:
        found = found, tensor_of(engine.run(call).indices)  # type: ignore[arg-type]

    def back(g: np.ndarray) -> list[Tensor]:
        made = tape.backward(g)
        parts = made if isinstance(made, tuple) else (made,)
        given = [t for t in (x, weights, parameter) if t is not None]
        return [tf.reshape(tf.cast(tensor_of(np.asarray(part)), t.dtype), t.shape)
                for part, t in zip(parts, given, strict=False)]  # fmt: skip

    return differentiable(request, [x, weights, parameter], found, back)


def differentiable(
    request: Request, inputs: list[Tensor | None], found: Any,
    back: Callable[[np.ndarray], list[Tensor]],
) -> Any:  # fmt: skip
    """What was found, with ``back`` as its derivative by the inputs that are there."""
    given = [t for t in inputs if t is not None]

    @tf.custom_gradient
    def run(*_: Tensor) -> Any:
        return found, lambda g, *_: slope(*given, g) if recording() else back(array_of(g))

    @tf.custom_gradient
    def slope(*given_and_g: Tensor) -> Any:
        def again(*gg: Tensor) -> Any:
            return graph.second(request, inputs, given_and_g, gg)

        return back(array_of(given_and_g[-1])), again

    return run(*given)
