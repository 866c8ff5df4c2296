"""The words that the host and the kernels share: reductions, kinds of windows, divisors."""

import triton.language as tl  # pyright: ignore[reportMissingImports]

OPS = (
    "max",
    "min",
    "sum",
    "mean",
    "lp",
    "gem",
    "lse",
    "soft",
    "var",
    "std",
    "tied_max",
    "tied_min",
)
NUMBER = {name: i for i, name in enumerate(OPS)}
(MAX, MIN, SUM, MEAN, LP, GEM, LSE, SOFT, VAR, STD, TIED_MAX, TIED_MIN) = map(
    tl.constexpr, range(len(OPS))
)
SLIDE, ADAPT, SPLIT = map(tl.constexpr, range(3))  # how the windows of an axis lie
# what a mean is divided by: nothing here, one number, what its window reads, or the padding too
PLAIN, FIXED, COUNTS, SPANS = map(tl.constexpr, range(4))
F32, F64, I32, U32, I64, U64 = map(tl.constexpr, range(6))  # what kernels compute in
BY_X, BY_WEIGHT, BY_PARAMETER = map(tl.constexpr, range(3))  # which derivative
