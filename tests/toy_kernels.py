"""A small copy of what the kernels do: closures over helpers, constants, and an intrinsic."""

import numpy as np
from numba import types
from numba.core.extending import intrinsic

import anypool.kernels.cache as cache


def twice(flip):
    @intrinsic
    def double(typing, x):
        def code(context, builder, signature, args):
            whole = builder.fadd(args[0], args[0])
            return builder.fneg(whole) if flip else whole

        return types.float64(types.float64), code

    return double


def steps(op):  # one bytecode, different helpers below
    def largest(a, b):
        return a if a > b else b

    def smallest(a, b):
        return a if a < b else b

    def total(a, b):
        return a + b

    return {"max": largest, "min": smallest, "sum": total}[op]


def make(op, width=3, scale=1.0, flip=False, name=None, **options):
    name = name or f"{op}{width}@{scale}{flip}"
    step = cache.helper(steps(op), f"step_{name}")
    double = twice(flip)

    def kernel(x, out, first, last):
        for i in range(first, last):
            value = x[i]
            for j in range(1, width):
                value = step(value, x[i + j])
            out[i] = double(value * scale)

    return cache.compile(kernel, name, **options)


X = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0])
VARIANTS = [
    (op, width, scale, flip)
    for op in ("max", "min", "sum")
    for width in (2, 3)
    for scale, flip in ((1.0, False), (0.5, True))
]


def right(kernel, op, width, scale, flip, dtype=np.float64):
    x = X.astype(dtype)
    out = np.zeros(x.size - width + 1, dtype)
    kernel(x, out, 0, out.size)
    reduce = {"max": np.max, "min": np.min, "sum": np.sum}[op]
    told = reduce(np.lib.stride_tricks.sliding_window_view(x, width), axis=1)
    assert np.array_equal(out, told * scale * (-2 if flip else 2)), (op, width, scale, flip, out)


def check(variants=VARIANTS, dtypes=(np.float64,), **options):
    hits = 0
    for variant in variants:
        kernel = make(*variant, **options)
        for dtype in dtypes:
            right(kernel, *variant, dtype)
        hits += kernel.stats.cache_hits.total()
    return hits
