"""What a window becomes on a GPU: the state of an element, of two states, and the way back.

Every reduction but max and min keeps three numbers for a window, and the first of them is how much
has been seen (0: nothing real yet):

    sum, mean      weight, sum
    var, std       weight, mean, squares about it (Chan, Golub & LeVeque 1979)
    lp, gem        weight, largest magnitude m, sum of w (a / m)**p
    lse            weight, leader m, sum of w exp(r (x - m))
    soft           sum of w exp(r (x - m)), leader m, the same times x
    tied max, min  how many equals, the value

so that an element is a state too, and one function joins any two. ``reductions/`` has the meaning;
powers are exponentials of logarithms here, which costs some ulp and serves every p but infinity.
"""

# ruff: noqa: N803, RET505, SIM108, SIM109 - Triton writes constants in capitals, and its
# compiler wants branches that are spelled out
# pyright: reportMissingImports=false

import triton
import triton.language as tl

from .names import GEM, LP, LSE, MEAN, SOFT, STD, SUM, TIED_MAX, TIED_MIN, VAR


@triton.jit
def power(x, p):
    return tl.exp2(p * tl.log2(x))


@triton.jit
def raised(ratio, p, P0: tl.constexpr):
    """``ratio**p`` for a ratio below 1."""
    if P0 == 2.0:
        return ratio * ratio
    elif P0 == 3.0:
        return ratio * ratio * ratio
    else:
        return power(ratio, p)


@triton.jit
def clamp(x, LEAST: tl.constexpr):
    return tl.where(x < LEAST, LEAST, x)


@triton.jit
def single(v, w, OP: tl.constexpr, P1: tl.constexpr):
    """The state of one element that weighs w."""
    if OP == SUM or OP == MEAN:
        return w, v * w, w
    elif OP == LP:
        return w, tl.abs(v), w
    elif OP == GEM:
        return w, tl.where(w == 0, 0.0, clamp(v, P1)), w
    elif OP == SOFT:
        return w, v, w * v
    elif OP == VAR or OP == STD:
        return w, v, w * 0.0
    else:
        return w, v, w


@triton.jit
def merge(an, aa, ab, bn, ba, bb, p, OP: tl.constexpr, P0: tl.constexpr):
    """The state of two windows as one, a before b."""
    if OP == SUM or OP == MEAN:
        return an + bn, aa + ba, ab
    else:
        n, a, b = together(an, aa, ab, bn, ba, bb, p, OP, P0)
        first, second = an == 0, bn == 0
        n = tl.where(first, bn, tl.where(second, an, n))
        a = tl.where(first, ba, tl.where(second, aa, a))
        b = tl.where(first, bb, tl.where(second, ab, b))
        return n, a, b


@triton.jit
def together(an, aa, ab, bn, ba, bb, p, OP: tl.constexpr, P0: tl.constexpr):
    """:func:`merge` where both have seen something."""
    same = ba == aa
    if OP == VAR or OP == STD:
        n, d = an + bn, ba - aa
        mu = aa + d * (bn / tl.where(n == 0, 1.0, n))
        return n, mu, ab + bb + d * (ba - mu) * bn
    elif OP == LP or OP == GEM:
        ahead = ba > aa
        fade = raised(tl.where(ahead, aa, ba) / tl.where(ahead, ba, aa), p, P0)
        s = tl.where(same, ab + bb, tl.where(ahead, ab * fade + bb, ab + bb * fade))
        return an + bn, tl.where(ahead, ba, aa), s
    elif OP == LSE:
        d = p * (ba - aa)
        ahead, fade = d > 0, tl.exp(-tl.abs(d))
        s = tl.where(same, ab + bb, tl.where(ahead, ab * fade + bb, ab + bb * fade))
        return an + bn, tl.where(ahead, ba, aa), s
    elif OP == SOFT:
        d = p * (ba - aa)
        ahead, fade = d > 0, tl.exp(-tl.abs(d))
        gone = fade == 0  # what weighs nothing adds nothing, be it infinite
        n = tl.where(same, an + bn, tl.where(ahead, an * fade + bn, an + bn * fade))
        old = tl.where(gone, 0.0, ab * fade) + bb
        new = ab + tl.where(gone, 0.0, bb * fade)
        s = tl.where(same, ab + bb, tl.where(ahead, old, new))
        return n, tl.where(ahead, ba, aa), s
    else:  # ties: as many equals as there are
        better = (ba > aa) if OP == TIED_MAX else (ba < aa)
        better = better | (ba != ba)
        n = tl.where(same, an + bn, tl.where(better, bn, an))
        return n, tl.where(better, ba, aa), ab


@triton.jit
def leader(n, a, p, OP: tl.constexpr):
    """The element that all others are measured by, for every row of lanes."""
    high = tl.max(tl.where(n == 0, float("-inf"), a), 1, keep_dims=True)
    low = tl.min(tl.where(n == 0, float("inf"), a), 1, keep_dims=True)
    if OP == LSE or OP == SOFT:
        return tl.where(p > 0, high, low)
    elif OP == TIED_MIN:
        return low
    else:
        return high


@triton.jit
def collapse(n, a, b, p, OP: tl.constexpr, P0: tl.constexpr):
    """The states side by side in a row of lanes as one, in an order that never changes."""
    total = tl.sum(n, 1, keep_dims=True)
    if OP == SUM or OP == MEAN:
        return total, tl.sum(a, 1, keep_dims=True), total
    elif OP == VAR or OP == STD:
        some = tl.where(total == 0, 1.0, total)
        mu = tl.sum(tl.where(n == 0, 0.0, n * a), 1, keep_dims=True) / some
        square = b + n * (a - mu) * (a - mu)
        return total, mu, tl.sum(tl.where(n == 0, 0.0, square), 1, keep_dims=True)
    elif OP == TIED_MAX or OP == TIED_MIN:
        best = leader(n, a, p, OP)
        spoilt = tl.sum(tl.where((a != a) & (n != 0), 1, 0), 1, keep_dims=True) > 0
        best = tl.where(spoilt, float("nan"), best)
        total = tl.sum(tl.where(a == best, n, 0.0), 1, keep_dims=True)
        return tl.where(spoilt, 1.0, total), best, total
    else:
        m = leader(n, a, p, OP)
        if OP == LP or OP == GEM:
            fade = raised(a / m, p, P0)
        else:
            fade = tl.exp(p * (a - m))
        fade = tl.where(a == m, 1.0, fade)
        s = tl.sum(tl.where((n == 0) | (fade == 0), 0.0, b * fade), 1, keep_dims=True)
        if OP == SOFT:
            total = tl.sum(tl.where(n == 0, 0.0, n * fade), 1, keep_dims=True)
        return total, m, s


@triton.jit
def root(s, p, P0: tl.constexpr):
    if P0 == 2.0:
        return tl.sqrt(s)
    else:
        return power(s, 1.0 / p)


@triton.jit
def finish(n, a, b, p, OP: tl.constexpr, P0: tl.constexpr):
    """What a state says about its window; something finite where it has seen nothing."""
    some = tl.where(n == 0, 1.0, n)
    if OP == SUM:
        return a
    elif OP == MEAN:
        return a / some
    elif OP == VAR or OP == STD:
        left = n > p
        square = tl.where(left, b / tl.where(left, n - p, 1.0), float("nan"))
        return tl.sqrt(square) if OP == STD else square
    elif OP == LP:
        return tl.where(n == 0, 0.0, a * root(tl.where(n == 0, 1.0, b), p, P0))
    elif OP == GEM:
        return tl.where(n == 0, 0.0, a * root(tl.where(n == 0, 1.0, b / some), p, P0))
    elif OP == LSE:
        return a + tl.log(tl.where(n == 0, 1.0, b / some)) / p
    elif OP == SOFT:
        return b / some
    else:
        return a


@triton.jit
def kept(n, a, b, y, p, OP: tl.constexpr):
    """The two numbers of a window that its derivative needs beside y."""
    some = tl.where(n == 0, 1.0, n)
    if OP == LP:
        return tl.where(y > 0, 1.0 / tl.where(y > 0, y, 1.0), 0.0), some * 0.0
    elif OP == GEM:
        return 1.0 / tl.where(n == 0, 1.0, y), 1.0 / some
    elif OP == SOFT:
        return a, 1.0 / some
    elif OP == VAR:
        return a, 1.0 / (n - p)
    elif OP == STD:
        return a, tl.where(y > 0, 1.0 / ((n - p) * tl.where(y > 0, y, 1.0)), y * 0.0)
    else:
        return 1.0 / some, some * 0.0


@triton.jit
def slope(x, w, y, a, b, p, OP: tl.constexpr, P0: tl.constexpr, P1: tl.constexpr):
    """The derivative of a window's value by its element x that weighs w."""
    if OP == SUM:
        return w
    elif OP == MEAN:
        return w * a
    elif OP == LP:
        size = tl.abs(x) / tl.where(a == 0, y + 1.0, y)
        sign = tl.where(x > 0, 1.0, tl.where(x < 0, -1.0, x))
        return w * sign * lowered(size, p, P0)
    elif OP == GEM:
        above = tl.where(x > P1, 1.0, tl.where(x == x, 0.0, x))
        return above * w * b * lowered(clamp(x, P1) / y, p, P0)
    elif OP == LSE:
        return w * a * tl.exp(p * (x - y))
    elif OP == SOFT:
        return w * b * tl.exp(p * (x - a)) * (1.0 + p * (x - y))
    elif OP == VAR:
        return 2.0 * w * (x - a) * b
    elif OP == STD:
        return w * (x - a) * b
    else:
        return tl.where(x == y, a, 0.0)


@triton.jit
def lowered(ratio, p, P0: tl.constexpr):
    """``ratio**(p - 1)``, finite where the ratio is 0."""
    if P0 == 2.0:
        return ratio
    elif P0 == 3.0:
        return ratio * ratio
    else:
        return power(tl.where(ratio < 1e-37, 1e-37, ratio), p - 1.0)


@triton.jit
def weight_slope(x, w, y, a, b, p, OP: tl.constexpr, P1: tl.constexpr):
    """The derivative of a window's value by the weight of its element x."""
    if OP == SUM:
        return x
    elif OP == MEAN:
        return (x - y) * a
    elif OP == LP:
        return y / p * power(tl.abs(x) * a, p)
    elif OP == GEM:
        return y / p * b * (power(clamp(x, P1) * a, p) - 1.0)
    elif OP == LSE:
        return (tl.exp(p * (x - y)) - 1.0) * a / p
    elif OP == SOFT:
        return b * tl.exp(p * (x - a)) * (x - y)
    elif OP == VAR:
        return ((x - a) * (x - a) - y) * b
    else:
        return ((x - a) * (x - a) - y * y) * b * 0.5


@triton.jit
def parameter_slope(x, w, y, a, b, p, OP: tl.constexpr, P1: tl.constexpr):
    """The share of the element x in the derivative of a window's value by its parameter."""
    if OP == LP or OP == GEM:
        ratio = (tl.abs(x) if OP == LP else clamp(x, P1)) * a
        some = tl.where(ratio < 1e-37, 1e-37, ratio)
        share = 1.0 if OP == LP else b
        return w * share * power(some, p) * y / p * tl.log(some)
    elif OP == LSE:
        return w * a * tl.exp(p * (x - y)) * (x - y) / p
    else:
        return w * b * tl.exp(p * (x - a)) * (x - y) * (x - y)
