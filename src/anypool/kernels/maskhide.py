"""Copy planes with what is not real replaced, by a select: NaN under a mask does not leak."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types

from . import numbers as nm
from . import registers as rg
from . import selecting as sl
from . import vectors as vc
from .cache import compile
from .masklanes import _lanes_at
from .numbers import Value
from .vectors import I32, intrinsic, vector_pointer

LOWEST = {"f32": (-np.inf, np.inf), "f64": (-np.inf, np.inf), "f16": (0xFC00, 0x7C00),
          "bf16": (0xFF80, 0x7F80)}  # fmt: skip


def _copier(op: str, kind: str, lanes: int, spread: bool) -> Any:
    """copy(x, i, m, j, out, k, n): the first n lanes of x (or all) where m says yes."""
    nothing = 0 if op == "sum" else LOWEST[kind][op == "min"]

    @intrinsic
    def copied(typing: Any, x: Any, i: Any, m: Any, j: Any, out: Any, k: Any, n: Any) -> Any:
        def code(c: Any, b: Any, sig: Any, args: Any) -> Value:
            x, i, m, j, out, k, n = args
            full = ir.Constant(n.type, lanes)
            with b.if_else(b.icmp_signed(">=", n, full), likely=True) as (all_, some):
                for branch, count in ((all_, None), (some, n)):
                    with branch:
                        value = _lanes_at(c, b, sig.args[0], (x, i), kind, lanes, count)
                        real = _lanes_at(c, b, sig.args[2], (m, j), "u8", 1 if spread else lanes,
                                         None if spread else count)  # fmt: skip
                        real = rg.splat(b, real, lanes) if spread else real
                        real = b.icmp_unsigned("!=", real, nm.constant(real.type, 0))
                        value = b.select(real, value, nm.constant(value.type, nothing))
                        _put(c, b, sig.args[4], (out, k), value, kind, count)
            return c.get_dummy_value()

        ints = types.intp
        return types.void(x, ints, m, ints, out, ints, ints), code

    return copied


def _put(
    c: Any, b: Any, memory: Any, target: Any, value: Value, kind: str, count: Value | None
) -> None:
    out, k = target
    size, lanes = nm.KINDS[kind].size, value.type.count
    number = ir.Constant(k.type, lanes) if count is None else count
    where = vector_pointer(c, b, memory, out, k, value.type, number)
    if count is None:
        b.store(value, where, align=size)
        return
    parts = [value, where, ir.Constant(I32, size), rg.first_lanes(b, lanes, count)]
    nm.call_named(b, f"llvm.masked.store.{nm.mangled(value.type)}.p0", ir.VoidType(), parts)


@lru_cache(maxsize=32)
def hider(op: str, kind: str, spread: bool) -> Any:
    """kernel(x, m, out, at, size, channels, first, last): planes of x to the front of out.

    ``at`` is where each plane begins in the mask. op: what may not be changed by what is unreal.
    """
    lanes = nm.lanes_of(kind)
    copy = _copier(op, kind, lanes, spread)
    memory, read = vc.memory, vc.read

    def kernel(x_array, m_array, out_array, at_array, size, channels, first, last):
        x, m, out, at = memory(x_array), memory(m_array), memory(out_array), memory(at_array)
        run = channels if spread else size
        for plane in range(first, last):
            i, j, k = plane * size, read(at, plane), (plane - first) * size
            for _ in range(size // run):
                for c in range(0, run, lanes):
                    copy(x, i + c, m, j + (0 if spread else c), out, k + c, run - c)
                i += run
                k += run
                j += 1

    return compile(kernel, f"hide_{op}_{kind}_{'spread' if spread else 'each'}")


@lru_cache(maxsize=1)
def repeater() -> Any:
    """kernel(m, out, channels, first, last): every byte of m, `channels` (at most 16) times.

    Vectors are written whole: out has 16 bytes more.
    """
    memory, read, keep = vc.memory, vc.read, vc.keep
    every, put = sl.everywhere("u8", 16), vc.store("u8", 16)

    def kernel(m_array, out_array, channels, first, last):
        m, out = memory(m_array), memory(out_array)
        for i in range(first, last):
            put(out, i * channels, every(np.int64(read(m, i))))
        keep(out_array)

    return compile(kernel, "mask_repeat")
