"""torch.nn.functional's pooling by its own names: what each argument means, and who does it."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812

from .. import reductions
from .. import windows as where
from . import call
from .call import Op

Tensor = torch.Tensor

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices", "adaptive_max_pool2d", "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices", "avg_pool1d", "avg_pool2d",
    "avg_pool3d", "lp_pool1d", "lp_pool2d", "lp_pool3d", "max_pool1d", "max_pool1d_with_indices",
    "max_pool2d", "max_pool2d_with_indices", "max_pool3d", "max_pool3d_with_indices",
]  # fmt: skip


# -- what the arguments mean: windows, reduction and common arguments ---------------------------


def _max(kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any) -> Any:
    return where.sliding(kernel_size, _own(stride), padding, dilation, ceil_mode), "max", {}


def _avg(
    kernel_size: Any, stride: Any, padding: Any, ceil_mode: Any, count: Any, divisor: Any = None
) -> Any:
    common = {} if count else {"count_include_pad": False}
    if divisor is not None:
        common = {"divisor_override": divisor}
    return where.sliding(kernel_size, _own(stride), padding, 1, ceil_mode), "mean", common


def _lp(norm_type: Any, kernel_size: Any, stride: Any, ceil_mode: Any) -> Any:
    return where.sliding(kernel_size, _own(stride), 0, 1, ceil_mode), reductions.lp(norm_type), {}


def _adaptive_max(output_size: Any) -> Any:
    return where.adaptive(output_size), "max", {}


def _adaptive_avg(output_size: Any) -> Any:
    return where.adaptive(output_size), "mean", {}


def _own(stride: Any) -> Any:
    """PyTorch reads an empty list as None: the kernel size."""
    return None if isinstance(stride, list | tuple) and not len(stride) else stride


_FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
_INTS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
_SINGLES = (torch.float32, torch.float64)

_SUMS, _ADAPTIVE = (8192, 40_000), (100_000, 100_000)

MAX1 = Op("max_pool1d", 1, F.max_pool1d, _max, _FLOATS)
MAX2 = Op("max_pool2d", 2, F.max_pool2d, _max, _FLOATS + _INTS)
MAX3 = Op("max_pool3d", 3, F.max_pool3d, _max, _FLOATS + _INTS, wide=True)
AVG1 = Op("avg_pool1d", 1, F.avg_pool1d, _avg, _FLOATS, least=_SUMS)
AVG2 = Op("avg_pool2d", 2, F.avg_pool2d, _avg, _FLOATS, least=_SUMS)
AVG3 = Op("avg_pool3d", 3, F.avg_pool3d, _avg, _SINGLES, wide=True, least=_SUMS)
LP1 = Op("lp_pool1d", 1, F.lp_pool1d, _lp, _FLOATS, ours=True)
LP2 = Op("lp_pool2d", 2, F.lp_pool2d, _lp, _FLOATS, ours=True)
LP3 = Op("lp_pool3d", 3, F.lp_pool3d, _lp, _SINGLES, ours=True, wide=True)
ADAPTIVE_MAX1, ADAPTIVE_MAX2, ADAPTIVE_MAX3 = (
    Op(f"adaptive_max_pool{rank}d", rank, getattr(F, f"adaptive_max_pool{rank}d"), _adaptive_max,
       _FLOATS, wide=rank == 3, least=(16_384, 65_536))
    for rank in (1, 2, 3)
)  # fmt: skip
ADAPTIVE_AVG1, ADAPTIVE_AVG2, ADAPTIVE_AVG3 = (
    Op(f"adaptive_avg_pool{rank}d", rank, getattr(F, f"adaptive_avg_pool{rank}d"), _adaptive_avg,
       _FLOATS, wide=rank == 3, least=_ADAPTIVE)
    for rank in (1, 2, 3)
)  # fmt: skip

call.OPS.update(
    (op.name, op)
    for op in (MAX1, MAX2, MAX3, AVG1, AVG2, AVG3, LP1, LP2, LP3, ADAPTIVE_MAX1, ADAPTIVE_MAX2,
               ADAPTIVE_MAX3, ADAPTIVE_AVG1, ADAPTIVE_AVG2, ADAPTIVE_AVG3)
)  # fmt: skip


# -- max ----------------------------------------------------------------------------------------


def max_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """:func:`torch.nn.functional.max_pool1d`; input (N, C, L) or (C, L)."""
    return call.pool(MAX1, input, (kernel_size, stride, padding, dilation, ceil_mode),
                     return_indices)  # fmt: skip


def max_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """:func:`torch.nn.functional.max_pool2d`; input (N, C, H, W) or (C, H, W).

    >>> import torch, anypool.torch.functional as F
    >>> x = torch.tensor([[[6., 9, 9, 2], [6, 9, 6, 0], [8, 3, 4, 5], [9, 2, 3, 5]]])
    >>> F.max_pool2d(x, 2)
    tensor([[[9., 9.],
             [9., 5.]]])
    """
    return call.pool(MAX2, input, (kernel_size, stride, padding, dilation, ceil_mode),
                     return_indices)  # fmt: skip


def max_pool3d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """:func:`torch.nn.functional.max_pool3d`; input (N, C, D, H, W) or (C, D, H, W)."""
    return call.pool(MAX3, input, (kernel_size, stride, padding, dilation, ceil_mode),
                     return_indices)  # fmt: skip


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """:func:`max_pool1d` and the indices."""
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """:func:`max_pool2d` and the indices."""
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d_with_indices(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """:func:`max_pool3d` and the indices."""
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


# -- average ------------------------------------------------------------------------------------


def avg_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    """:func:`torch.nn.functional.avg_pool1d`; input (N, C, L) or (C, L)."""
    return call.pool(AVG1, input, (kernel_size, stride, padding, ceil_mode, count_include_pad))


def avg_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """:func:`torch.nn.functional.avg_pool2d`; input (N, C, H, W) or (C, H, W)."""
    return call.pool(AVG2, input, (kernel_size, stride, padding, ceil_mode, count_include_pad,
                                   divisor_override))  # fmt: skip


def avg_pool3d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """:func:`torch.nn.functional.avg_pool3d`; input (N, C, D, H, W) or (C, D, H, W)."""
    return call.pool(AVG3, input, (kernel_size, stride, padding, ceil_mode, count_include_pad,
                                   divisor_override))  # fmt: skip


# -- Lp: the norm of |x|, over what a window really has -----------------------------------------


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """:func:`torch.nn.functional.lp_pool1d`, of |x| and right on partial windows."""
    return call.pool(LP1, input, (norm_type, kernel_size, stride, ceil_mode))


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """:func:`torch.nn.functional.lp_pool2d`, of |x| and right on partial windows."""
    return call.pool(LP2, input, (norm_type, kernel_size, stride, ceil_mode))


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """:func:`torch.nn.functional.lp_pool3d`, of |x| and right on partial windows."""
    return call.pool(LP3, input, (norm_type, kernel_size, stride, ceil_mode))


# -- adaptive -----------------------------------------------------------------------------------


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """:func:`torch.nn.functional.adaptive_max_pool1d`."""
    return call.pool(ADAPTIVE_MAX1, input, (output_size,), return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """:func:`torch.nn.functional.adaptive_max_pool2d`; None keeps the size of an axis."""
    return call.pool(ADAPTIVE_MAX2, input, (output_size,), return_indices)


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """:func:`torch.nn.functional.adaptive_max_pool3d`; None keeps the size of an axis."""
    return call.pool(ADAPTIVE_MAX3, input, (output_size,), return_indices)


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """:func:`adaptive_max_pool1d` and the indices."""
    return adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """:func:`adaptive_max_pool2d` and the indices."""
    return adaptive_max_pool2d(input, output_size, True)


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """:func:`adaptive_max_pool3d` and the indices."""
    return adaptive_max_pool3d(input, output_size, True)


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """:func:`torch.nn.functional.adaptive_avg_pool1d`."""
    return call.pool(ADAPTIVE_AVG1, input, (output_size,))


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """:func:`torch.nn.functional.adaptive_avg_pool2d`; None keeps the size of an axis."""
    return call.pool(ADAPTIVE_AVG2, input, (output_size,))


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """:func:`torch.nn.functional.adaptive_avg_pool3d`; halves are added up in float32."""
    return call.pool(ADAPTIVE_AVG3, input, (output_size,))
