"""How a function with PyTorch's name is called: by kernels where they serve, else by PyTorch.

PyTorch itself says what is accepted: a new kind of call is first tried on a tensor without memory
(device "meta"), which gives its refusals and the shape and strides of the result. What is refused
there goes to PyTorch's own function, whose error is then raised as ours, with a clearer sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from ..errors import PoolError
from ..reductions import resolve
from . import compiled, eager, gpu, ways
from .errors import translated
from .native import shaky
from .request import Request
from .tensors import check_tensor, ordinary

Tensor = torch.Tensor
SMALL = True  # whether PyTorch may do what it does faster: small inputs, mostly
WIDE, SHORT_ROWS = 24, (7_000_000, 11_000_000)  # (max, mean): elements times their row's length
MOST_AREA = 64  # PyTorch takes the derivative of larger adaptive averages faster


class Op(NamedTuple):
    """A pooling function of torch.nn.functional."""

    name: str
    rank: int
    native: Callable[..., Any]
    build: Callable[..., Any]  # its arguments as windows, reduction and common arguments
    dtypes: tuple[torch.dtype, ...]  # what PyTorch's CPU function takes
    ours: bool = False  # PyTorch's values are wrong somewhere: never its own operation
    wide: bool = False  # autocast runs it in float32
    # elements from which our kernels win the way that it costs to call them, without and with a
    # derivative (`python -m bench.thresholds`, two cores)
    least: tuple[int, int] = (4096, 32768)

    def request(self, x: Tensor, args: tuple[Any, ...], indices: bool) -> Request:
        """The call in anypool's words."""
        windows, reduce, common = self.build(*args)
        axes = tuple(range(x.ndim - self.rank, x.ndim))
        return Request(windows, resolve(reduce), axes, common, indices)

    def plainly(self, x: Tensor, args: tuple[Any, ...], indices: bool) -> Any:
        """PyTorch's own function."""
        return self.native(x, *args, return_indices=True) if indices else self.native(x, *args)


def pool(op: Op, x: Tensor, args: tuple[Any, ...], indices: bool = False) -> Any:
    """Call ``op``."""
    if torch.compiler.is_compiling():
        return traced(x, op.name, args, bool(indices))
    if op.wide:
        x = autocast(x)
    if not ordinary(x):
        return elsewhere(op, x, args, indices)
    try:
        # types too: 2.0 equals 2, and PyTorch refuses it
        key = (op.name, x.shape, x.stride(), x.dtype, args, indices, *map(type, args))
        job: Any = eager.JOBS.get(key, key)
    except TypeError:  # a list among the arguments
        args = frozen(args)
        return pool(op, x, args, indices) if hashable(args) else refused(op, x, args, indices)
    if job is key:
        job = learn(op, key, x, args, indices)
    if job is None:
        return refused(op, x, args, indices)
    if type(job) is Request:
        return ways.pooled(job, x)
    wanted = x.requires_grad and torch.is_grad_enabled()
    if not (job.trains if wanted or indices else job.infers):
        return refused(op, x, args, indices)
    return ways.run_job(job, x, indices)


def frozen(args: Any) -> Any:
    """The arguments with lists as tuples."""
    return tuple(tuple(a) if isinstance(a, list) else a for a in args)


def hashable(args: Any) -> bool:
    try:
        hash(args)
    except TypeError:
        return False
    return True


def autocast(x: Any) -> Any:
    """Halves in float32 where autocast asks for that."""
    if not isinstance(x, Tensor) or x.dtype.itemsize != 2 or not x.dtype.is_floating_point:
        return x
    return x.float() if torch.is_autocast_enabled(x.device.type) else x


def learn(op: Op, key: Any, x: Tensor, args: tuple[Any, ...], indices: bool) -> Any:
    """Who serves calls like this one: a Job, a Request for the general way, or None: PyTorch."""
    if len(eager.JOBS) >= eager.MOST_JOBS:
        eager.JOBS.clear()
    found = _accepted(op, x, args, indices)
    if found is None or (x.numel() < op.least[0] and may_be_theirs(op, x)):
        eager.JOBS[key] = None
        return None
    request, stride = found
    job = eager.make_job(request, x, stride)
    if op.ours:
        job = request
    elif job is not None:
        job.infers, job.trains = _worth(op, job, x)
    eager.JOBS[key] = job
    return job


def may_be_theirs(op: Op, x: Tensor) -> bool:
    """Whether PyTorch's own operation is right, and may be taken where it is faster."""
    halves_in_halves = op.name == "adaptive_avg_pool3d" and x.dtype.itemsize == 2
    return SMALL and not op.ours and not halves_in_halves


def _worth(op: Op, job: eager.Job, x: Tensor) -> tuple[bool, bool]:
    """Whether our kernels are to pool, and to pool with a derivative."""
    trains = job.train is not None or not job.dtype.is_floating_point
    if not may_be_theirs(op, x):
        return True, trains
    elements = x.numel()
    infers, trains = elements >= op.least[0], trains and elements >= op.least[1]
    if op.name.startswith("adaptive_avg"):
        return infers and not job.whole, trains and (job.whole or job.area <= MOST_AREA)
    if job.overlaps or x.shape[-1] >= WIDE or x.stride(-1) != 1:
        return infers, trains
    # short rows read once: what a row costs beside its elements decides
    mean, weight = op.name.startswith("avg"), elements * x.shape[-1]
    return infers and not (mean and x.shape[-1] < 10), trains and weight >= SHORT_ROWS[mean]


def _accepted(op: Op, x: Tensor, args: tuple[Any, ...], indices: bool) -> Any:
    """The request and the strides of its result, or None where PyTorch would not do it either."""
    if x.dtype not in op.dtypes or not x.numel():
        return None
    try:
        like = torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device="meta")
        y = op.plainly(like, args, indices)
        request = op.request(x, args, indices)
        shape = ways.check(request, x)
    except Exception:  # whatever it is, PyTorch's own call says it better
        return None
    y = y[0] if indices else y
    if op.name == "adaptive_max_pool3d":  # whose trial keeps a layout that the real one does not
        y = y.contiguous()
    return (request, y.stride()) if tuple(y.shape) == shape else None


def refused(op: Op, x: Tensor, args: tuple[Any, ...], indices: bool) -> Any:
    """PyTorch's own function; its refusal with our sentence."""
    try:
        return op.plainly(x, args, indices)
    except Exception as error:
        raise translated(error, _hint(op, x, args, indices)) from None


def _hint(op: Op, x: Any, args: tuple[Any, ...], indices: bool) -> str:
    """What anypool has to say about these arguments, if anything."""
    try:
        ways.check(op.request(x, args, indices), x)
    except PoolError as error:
        return str(error)
    except Exception:  # arguments so strange that PyTorch's own words must do
        return ""
    return ""


def elsewhere(op: Op, x: Any, args: tuple[Any, ...], indices: bool) -> Any:
    """Other devices, tracers, exporters, transforms and subclasses."""
    own = on_gpu(op, x, frozen(args), indices)
    if own is not None:
        return own
    if isinstance(x, Tensor) and (op.ours or _misled(op, x, args)):
        check_tensor(x)
        return ways.elsewhere(op.request(x, frozen(args), indices), x, None, None)
    return refused(op, x, args, indices)


def on_gpu(op: Op, x: Any, args: tuple[Any, ...], indices: bool) -> Any:
    """CUDA tensors by our kernels, where PyTorch accepts the call and they serve; else None."""
    if not isinstance(x, Tensor) or not gpu.at_hand(x) or not hashable(args):
        return None
    key = (op.name, x.shape, x.stride(), x.dtype, args, indices, *map(type, args), "gpu")
    if key not in eager.JOBS:
        if len(eager.JOBS) >= eager.MOST_JOBS:
            eager.JOBS.clear()
        found = _accepted(op, x, args, indices)
        eager.JOBS[key] = found and found[0]
    request: Any = eager.JOBS[key]
    return None if request is None else gpu.find(request, x)


def _misled(op: Op, x: Tensor, args: tuple[Any, ...]) -> bool:
    """Whether PyTorch's own operation is wrong here, or not deterministic where that is asked."""
    if ways.exporting():
        return ways.misled_at_export(op.request(x, frozen(args), False))
    return shaky(op.name, x) or (op is OPS["adaptive_avg_pool3d"] and x.dtype.itemsize == 2)


OPS: dict[str, Op] = {}


@torch.compiler.allow_in_graph
def traced(x: Tensor, name: str, args: Any, indices: bool) -> Any:
    """The call inside a graph in the making; Dynamo hands it over whole."""
    op = OPS[name]
    if op.wide:
        x = autocast(x)
    args = frozen(args)
    if ways.exporting():
        return elsewhere(op, x, args, indices)
    request = op.request(x, args, indices)
    own = gpu.in_graph(request, x) if compiled.usual(request, x) else None
    if own is not None:
        return own
    if op.ours:
        return elsewhere(op, x, args, indices)
    if not indices and compiled.ours_is_faster(request, x):
        return compiled.opaque(request, x)
    return op.plainly(x, args, indices)
