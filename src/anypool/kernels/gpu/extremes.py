"""Max and min on a GPU: the best so far and where in its window it stands.

The first of equals is taken; a NaN always, and of several the last. A tap of -1: nothing real yet.
"""

# ruff: noqa: N803, RET505, SIM108, SIM109 - Triton writes constants in capitals, and its
# compiler wants branches that are spelled out
# pyright: reportMissingImports=false

import triton
import triton.language as tl

from .names import F32, F64, I32, I64, MAX, U32


@triton.jit
def better(best, tap, v, t, real, OP: tl.constexpr):
    """The best of what came before and of the elements v, which come after."""
    if OP == MAX:
        ahead = v > best
    else:
        ahead = v < best
    ahead = real & (ahead | (v != v) | (tap < 0))
    return tl.where(ahead, v, best), tl.where(ahead, t, tap)


@triton.jit
def best_of(best, tap, OP: tl.constexpr, ACC: tl.constexpr):
    """The best of a row of lanes, whatever their order."""
    plain = (tap >= 0) & (best == best)
    filled = tl.where(plain, best, tl.full(best.shape, worst(OP, ACC), best.dtype))
    if OP == MAX:
        top = tl.max(filled, 1, keep_dims=True)
    else:
        top = tl.min(filled, 1, keep_dims=True)
    most = 2147483647
    first = tl.min(tl.where(plain & (best == top), tap, most), 1, keep_dims=True)
    first = tl.where(first == most, -1, first)
    if ACC == F32 or ACC == F64:
        last = tl.max(tl.where((tap >= 0) & (best != best), tap, -1), 1, keep_dims=True)
        top = tl.where(last >= 0, float("nan"), top)
        first = tl.where(last >= 0, last, first)
    return top, first


@triton.jit
def worst(OP: tl.constexpr, ACC: tl.constexpr):
    """What nothing is worse than."""
    if OP == MAX:
        if ACC == F32 or ACC == F64:
            return float("-inf")
        elif ACC == I32:
            return -2147483648
        elif ACC == I64:
            return -9223372036854775808
        else:
            return 0
    elif ACC == F32 or ACC == F64:
        return float("inf")
    elif ACC == I32:
        return 2147483647
    elif ACC == I64:
        return 9223372036854775807
    elif ACC == U32:
        return 4294967295
    else:
        return 18446744073709551615
