"""The derivative of sums and means over whole planes: every element gets the same share."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from . import numbers as nm
from . import selecting as sl
from . import vectors as vc
from .cache import compile
from .traintable import D_N, H_N, W_N


@lru_cache(maxsize=16)
def backward(kind: str, acc: str) -> Any:
    """kernel(g, shares, gx, table, first, last): a range of planes, one output each."""
    name = f"slopewhole_{kind}_{acc}"
    lanes = nm.lanes_of(acc)
    load, put, cast = vc.load(kind, acc, 1), sl.put(kind, lanes), sl.alike(acc, lanes)
    number, over = sl.number(acc, lanes), sl.divide
    memory, read = vc.memory, vc.read

    def kernel(g_array, shares_array, gx_array, table, first, last):
        g, gx, t = memory(g_array), memory(gx_array), memory(table)
        size, divisor = read(t, D_N) * read(t, H_N) * read(t, W_N), 1.0
        for i in range(shares_array.size):
            divisor *= shares_array[i]
        area = number(divisor)
        for plane in range(first, last):
            each, i = over(cast(load(g, plane)), area), 0
            while i < size:
                put(gx, plane * size + max(0, min(i, size - lanes)), each, size)
                i += lanes

    return compile(kernel, name)
