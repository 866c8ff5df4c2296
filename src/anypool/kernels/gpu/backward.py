"""The way back on a GPU in gather form: every input adds up what its outputs send it, in order.

A thread makes one input and looks at the outputs whose windows may read it; nothing is added
atomically, so every run gives the same bits.
"""

# ruff: noqa: N803, RET505, SIM109 - Triton writes constants in capitals, and its
# compiler wants branches that are spelled out
# pyright: reportMissingImports=false

import triton
import triton.language as tl

from .forward import decode, divided, parameter, weighed, widened
from .names import BY_WEIGHT, BY_X, MAX, MIN, SUM
from .places import cover, extent, window
from .states import parameter_slope, slope, weight_slope


@triton.jit
def spread(g, taps, x, w, sizes, par, k0, k1, k2, gx, total, nb, nd, nh, nw, md, mh, mw,
           ga, gb, gd, gh, gw, ya, yb, yd, yh, yw, xa, xb, xd, xh, xw, wa, wb, wd, wh, ww,
           za, zb, zd, zh, zw, dc, hc, wc,
           OP: tl.constexpr, P0: tl.constexpr, P1: tl.constexpr, PAR: tl.constexpr,
           DT: tl.constexpr, DK: tl.constexpr, DS: tl.constexpr, DP: tl.constexpr,
           DG: tl.constexpr, DA: tl.constexpr,
           HT: tl.constexpr, HK: tl.constexpr, HS: tl.constexpr, HP: tl.constexpr,
           HG: tl.constexpr, HA: tl.constexpr,
           WT: tl.constexpr, WK: tl.constexpr, WS: tl.constexpr, WP: tl.constexpr,
           WG: tl.constexpr, WA: tl.constexpr,
           DIVIDE: tl.constexpr, DIVISOR: tl.constexpr, WEIGHT: tl.constexpr, SKIP: tl.constexpr,
           RANK: tl.constexpr, ACC: tl.constexpr, LAST: tl.constexpr, FAR: tl.constexpr,
           BY: tl.constexpr, COUNT: tl.constexpr, BLOCK: tl.constexpr):  # fmt: skip
    """The derivative by x, the weights or the parameter, for every element of x.

    ``dc, hc, wc`` say how many outputs may read an input along each axis; their product is COUNT
    where it is small enough to be written out, else 0. ``g`` has strides of its own (g.), what was
    kept those of y, and the result (z.) and x and the weights their own.
    """
    first = tl.program_id(0)
    if FAR:
        first = first.to(tl.int64)
    i = first * BLOCK + tl.arange(0, BLOCK)
    live = i < total
    a_, b_, d, h, r = decode(i, nb, nd, nh, nw, LAST)
    a64, b64 = a_.to(tl.int64), b_.to(tl.int64)
    dl, dz = extent(sizes, a_, nd, RANK - 3, RANK, live)
    hl, hz = extent(sizes, a_, nh, RANK - 2, RANK, live)
    wl, wz = extent(sizes, a_, nw, RANK - 1, RANK, live)
    p = parameter(par, P0, PAR, ACC)
    v, weight = i, i
    real = live
    if WEIGHT > 0:
        wo = a64 * wa + b64 * wb + (d * wd + h * wh + r * ww)
        weight = weighed(w, wo, live, WEIGHT, ACC)
        real = weight > 0
    else:
        weight = weighed(w, i, live, 0, ACC)
    if OP != MAX and OP != MIN and (OP != SUM or SKIP or BY == BY_WEIGHT):
        xo = a64 * xa + b64 * xb + (d * xd + h * xh + r * xw)
        v = widened(tl.load(x + xo, mask=real, other=0), ACC)
        if SKIP:
            real = real & (v == v)
    go, yo = a64 * ga + b64 * gb, a64 * ya + b64 * yb
    found = widened(tl.zeros((BLOCK,), tl.int32), ACC)
    if COUNT > 0:
        for c in tl.static_range(COUNT):
            found += sent(
                c, hc, wc, g, taps, k0, k1, k2, v, weight, p, real, d, h, r, go, yo, nd, nh, nw,
                md, mh, mw, dl, dz, hl, hz, wl, wz, gd, gh, gw, yd, yh, yw, OP, P0, P1,
                DT, DK, DS, DP, DG, DA, HT, HK, HS, HP, HG, HA, WT, WK, WS, WP, WG, WA,
                DIVIDE, DIVISOR, ACC, BY)  # fmt: skip
    else:
        for c in range(dc * hc * wc):
            found += sent(
                c, hc, wc, g, taps, k0, k1, k2, v, weight, p, real, d, h, r, go, yo, nd, nh, nw,
                md, mh, mw, dl, dz, hl, hz, wl, wz, gd, gh, gw, yd, yh, yw, OP, P0, P1,
                DT, DK, DS, DP, DG, DA, HT, HK, HS, HP, HG, HA, WT, WK, WS, WP, WG, WA,
                DIVIDE, DIVISOR, ACC, BY)  # fmt: skip
    zo = a64 * za + b64 * zb + (d * zd + h * zh + r * zw)
    tl.store(gx + zo, found.to(gx.dtype.element_ty), mask=live)


@triton.jit
def sent(c, hc, wc, g, taps, k0, k1, k2, v, weight, p, real, d, h, r, go, yo, nd, nh, nw,
         md, mh, mw, dl, dz, hl, hz, wl, wz, gd, gh, gw, yd, yh, yw,
         OP: tl.constexpr, P0: tl.constexpr, P1: tl.constexpr,
         DT: tl.constexpr, DK: tl.constexpr, DS: tl.constexpr, DP: tl.constexpr,
         DG: tl.constexpr, DA: tl.constexpr,
         HT: tl.constexpr, HK: tl.constexpr, HS: tl.constexpr, HP: tl.constexpr,
         HG: tl.constexpr, HA: tl.constexpr,
         WT: tl.constexpr, WK: tl.constexpr, WS: tl.constexpr, WP: tl.constexpr,
         WG: tl.constexpr, WA: tl.constexpr,
         DIVIDE: tl.constexpr, DIVISOR: tl.constexpr, ACC: tl.constexpr,
         BY: tl.constexpr):  # fmt: skip
    """What the c-th output that may read each input sends it."""
    od, td, in_d = cover(d, c // (hc * wc), md, dl, dz, DT, DS, DP, DK, DG)
    oh, th, in_h = cover(h, c // wc % hc, mh, hl, hz, HT, HS, HP, HK, HG)
    ow, tw, in_w = cover(r, c % wc, mw, wl, wz, WT, WS, WP, WK, WG)
    reads = real & in_d & in_h & in_w
    share = widened(tl.load(g + go + (od * gd + oh * gh + ow * gw), mask=reads, other=0), ACC)
    at = yo + (od * yd + oh * yh + ow * yw)
    fd, ld, sd = window(od, md, dl, dz, DT, DS, DP)
    fh, lh, sh = window(oh, mh, hl, hz, HT, HS, HP)
    fw, lw, sw = window(ow, mw, wl, wz, WT, WS, WP)
    divisor = divided(fd, ld, sd, nd, fh, lh, sh, nh, fw, lw, sw, nw, DT, DK, DG, DA,
                      HT, HK, HG, HA, WT, WK, WG, WA, DIVIDE, DIVISOR, ACC)  # fmt: skip
    if OP == MAX or OP == MIN:
        here = tl.load(taps + at, mask=reads, other=0).to(tl.int32)
        return tl.where(reads & (here == (td * HK + th) * WK + tw), share, 0)
    elif OP == SUM and BY == BY_X:
        return tl.where(reads, share / divisor * weight, 0)
    else:
        y, ka, kb = share, share, share
        if OP != SUM:
            y = tl.load(k0 + at, mask=reads, other=1)
            ka = tl.load(k1 + at, mask=reads, other=1)
            kb = tl.load(k2 + at, mask=reads, other=1)
        if BY == BY_X:
            own = slope(v, weight, y, ka, kb, p, OP, P0, P1)
        elif BY == BY_WEIGHT:
            own = weight_slope(v, weight, y, ka, kb, p, OP, P1)
        else:
            own = parameter_slope(v, weight, y, ka, kb, p, OP, P1)
        return tl.where(reads, share / divisor * own, 0)


@triton.jit
def places(taps, sizes, index, total, nb, nd, nh, nw, md, mh, mw, ya, yb, yd, yh, yw,
           DT: tl.constexpr, DK: tl.constexpr, DS: tl.constexpr, DP: tl.constexpr,
           DG: tl.constexpr,
           HT: tl.constexpr, HK: tl.constexpr, HS: tl.constexpr, HP: tl.constexpr,
           HG: tl.constexpr,
           WT: tl.constexpr, WK: tl.constexpr, WS: tl.constexpr, WP: tl.constexpr,
           WG: tl.constexpr,
           NONE: tl.constexpr, RANK: tl.constexpr, LAST: tl.constexpr, FAR: tl.constexpr,
           BLOCK: tl.constexpr):  # fmt: skip
    """Taps as PyTorch's indices: flat over the pooled axes, -1 where there is nothing real."""
    first = tl.program_id(0)
    if FAR:
        first = first.to(tl.int64)
    o = first * BLOCK + tl.arange(0, BLOCK)
    live = o < total
    a_, b_, od, oh, ow = decode(o, nb, md, mh, mw, LAST)
    dl, dz = extent(sizes, a_, nd, RANK - 3, RANK, live)
    hl, hz = extent(sizes, a_, nh, RANK - 2, RANK, live)
    wl, wz = extent(sizes, a_, nw, RANK - 1, RANK, live)
    ds, dl, dz = window(od, md, dl, dz, DT, DS, DP)
    hs, hl, hz = window(oh, mh, hl, hz, HT, HS, HP)
    ws, wl, wz = window(ow, mw, wl, wz, WT, WS, WP)
    yo = a_.to(tl.int64) * ya + b_.to(tl.int64) * yb + (od * yd + oh * yh + ow * yw)
    tap = tl.load(taps + yo, mask=live, other=0).to(tl.int32)
    d = ds + (tap // (HK * WK)) * DG
    h = hs + (tap // WK % HK) * HG
    at = (d.to(tl.int64) * nh + h) * nw + ws + (tap % WK) * WG
    tl.store(index + yo, tl.where(tap == NONE, -1, at), mask=live)
