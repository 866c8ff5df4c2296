"""The one kernel that pools on a GPU, for every reduction, kind of windows and layout.

A program makes BLOCK outputs, LANES elements of each window side by side. Small windows have one
lane and an output per thread, neighbours in memory next to each other; large ones are read by many
lanes, which meet at the end in an order that never changes, and windows that are too few to fill a
card are cut into pieces of ``chunk`` taps, whose states :func:`join` brings together. Nothing is
added atomically. Outer axes are a and b, pooled ones d, h and w; missing ones have length 1. Where
a plane begins is told in 64 bits always, where in a plane only with FAR.
"""

# ruff: noqa: N803, N806, RET505, SIM109 - Triton writes constants in capitals, and its
# compiler wants branches that are spelled out
# pyright: reportMissingImports=false

import triton
import triton.language as tl

from .extremes import best_of, better
from .names import COUNTS, F32, F64, I32, MAX, MIN, PLAIN, SPANS, U32, U64
from .places import count, extent, window
from .states import collapse, finish, kept, merge, single


@triton.jit
def widened(v, ACC: tl.constexpr):
    """Numbers in the dtype that the kernel computes in."""
    if ACC == F32:
        return v.to(tl.float32)
    elif ACC == F64:
        return v.to(tl.float64)
    elif ACC == I32:
        return v.to(tl.int32)
    elif ACC == U32:
        return v.to(tl.uint32)
    elif ACC == U64:
        return v.to(tl.uint64)
    else:
        return v.to(tl.int64)


@triton.jit
def parameter(par, P0: tl.constexpr, PAR: tl.constexpr, ACC: tl.constexpr):
    """The parameter of a reduction: what a tensor holds, or a constant with all its digits."""
    if PAR:
        return widened(tl.load(par), ACC)
    else:
        return widened(tl.full((), P0, tl.float64), ACC)


@triton.jit
def decode(o, nb, nd, nh, nw, LAST: tl.constexpr):
    """The five coordinates of a flat number, b innermost or w."""
    if LAST:
        b, r = o % nb, o // nb
        w, r = r % nw, r // nw
        h, r = r % nh, r // nh
        d, a = r % nd, r // nd
    else:
        w, r = o % nw, o // nw
        h, r = r % nh, r // nh
        d, r = r % nd, r // nd
        b, a = r % nb, r // nb
    return a, b, d, h, w


@triton.jit
def weighed(w, at, real, WEIGHT: tl.constexpr, ACC: tl.constexpr):
    """What elements weigh: nothing where they are not real."""
    if WEIGHT == 0:
        return widened(tl.where(real, 1, 0), ACC)
    elif WEIGHT == 1:
        mask = tl.load(w + at, mask=real, other=0)
        return widened(tl.where(mask != 0, 1, 0), ACC)
    else:
        own = widened(tl.load(w + at, mask=real, other=0), ACC)
        return tl.where(own > 0, own, own * 0)


@triton.jit
def element(x, w, t, live, xo, wo, ds, dl, dz, hs, hl, hz, ws, wl, wz, xd, xh, xw, wd, wh, ww,
            DG: tl.constexpr, HK: tl.constexpr, HG: tl.constexpr, WK: tl.constexpr,
            WG: tl.constexpr, WEIGHT: tl.constexpr, SKIP: tl.constexpr, FAR: tl.constexpr,
            ACC: tl.constexpr):  # fmt: skip
    """Tap t of every window: its value (0 where it is not real), its weight, and whether it is."""
    d = ds + (t // (HK * WK)) * DG
    h = hs + (t // WK % HK) * HG
    i = ws + (t % WK) * WG
    real = live & (d >= dl) & (d < dz) & (h >= hl) & (h < hz) & (i >= wl) & (i < wz)
    if FAR:
        d, h, i = d.to(tl.int64), h.to(tl.int64), i.to(tl.int64)
    v = widened(tl.load(x + (xo + (d * xd + h * xh + i * xw)), mask=real, other=0), ACC)
    weight = weighed(w, wo + (d * wd + h * wh + i * ww), real, WEIGHT, ACC)
    if WEIGHT > 0:
        real = real & (weight > 0)
        v = tl.where(real, v, 0)
    if SKIP:
        good = v == v
        real, v, weight = real & good, tl.where(good, v, 0), tl.where(good, weight, 0)
    return v, weight, real


@triton.jit
def deliver_extreme(best, tap, y, taps, index, yo, live, ds, hs, ws, nh, nw,
                    DG: tl.constexpr, HK: tl.constexpr, HG: tl.constexpr, WK: tl.constexpr,
                    WG: tl.constexpr, FILL: tl.constexpr, HOLLOW: tl.constexpr,
                    TAPS_OUT: tl.constexpr, INDEX_OUT: tl.constexpr):  # fmt: skip
    """Store max or min, and where it stands as a tap and as PyTorch's index."""
    if HOLLOW:
        best = tl.where(tap < 0, FILL, best)
    tl.store(y + yo, best.to(y.dtype.element_ty), mask=live)
    if TAPS_OUT:
        tl.store(taps + yo, tap.to(taps.dtype.element_ty), mask=live)  # -1 is 255 in a byte
    if INDEX_OUT:
        d = ds + (tap // (HK * WK)) * DG
        h = hs + (tap // WK % HK) * HG
        at = (d.to(tl.int64) * nh + h) * nw + ws + (tap % WK) * WG
        tl.store(index + yo, tl.where(tap < 0, -1, at), mask=live)


@triton.jit
def deliver(n, a, b, y, k0, k1, k2, yo, live, divisor, p, OP: tl.constexpr, P0: tl.constexpr,
            DIVIDE: tl.constexpr, FILL: tl.constexpr, HOLLOW: tl.constexpr,
            KEEP: tl.constexpr):  # fmt: skip
    """Finish and store a window, and what its derivative needs."""
    value = finish(n, a, b, p, OP, P0)
    if DIVIDE != PLAIN:
        value = value / divisor
    if KEEP:
        ka, kb = kept(n, a, b, value, p, OP)
        tl.store(k0 + yo, value, mask=live)
        tl.store(k1 + yo, ka, mask=live)
        tl.store(k2 + yo, kb, mask=live)
    if HOLLOW:
        value = tl.where(n == 0, FILL, value)
    tl.store(y + yo, value.to(y.dtype.element_ty), mask=live)


@triton.jit
def pool(x, w, sizes, par, y, taps, index, k0, k1, k2, total, nb, nd, nh, nw, md, mh, mw,
         xa, xb, xd, xh, xw, wa, wb, wd, wh, ww, ya, yb, yd, yh, yw, chunk,
         OP: tl.constexpr, P0: tl.constexpr, P1: tl.constexpr, PAR: tl.constexpr,
         DT: tl.constexpr, DK: tl.constexpr, DS: tl.constexpr, DP: tl.constexpr,
         DG: tl.constexpr, DA: tl.constexpr,
         HT: tl.constexpr, HK: tl.constexpr, HS: tl.constexpr, HP: tl.constexpr,
         HG: tl.constexpr, HA: tl.constexpr,
         WT: tl.constexpr, WK: tl.constexpr, WS: tl.constexpr, WP: tl.constexpr,
         WG: tl.constexpr, WA: tl.constexpr,
         DIVIDE: tl.constexpr, DIVISOR: tl.constexpr, FILL: tl.constexpr, HOLLOW: tl.constexpr,
         WEIGHT: tl.constexpr, SKIP: tl.constexpr, RANK: tl.constexpr,
         ACC: tl.constexpr, LAST: tl.constexpr, FAR: tl.constexpr,
         TAPS_OUT: tl.constexpr, INDEX_OUT: tl.constexpr, KEEP: tl.constexpr,
         SPLIT: tl.constexpr, BLOCK: tl.constexpr, LANES: tl.constexpr,
         STATIC: tl.constexpr):  # fmt: skip
    """Pool. RANK is 0 where no ``sizes`` are given, else how many axes they speak of."""
    first = tl.program_id(0)
    if FAR:
        first = first.to(tl.int64)
    o = first * BLOCK + tl.arange(0, BLOCK)[:, None]
    live = o < total
    a_, b_, od, oh, ow = decode(o, nb, md, mh, mw, LAST)
    dl, dz = extent(sizes, a_, nd, RANK - 3, RANK, live)
    hl, hz = extent(sizes, a_, nh, RANK - 2, RANK, live)
    wl, wz = extent(sizes, a_, nw, RANK - 1, RANK, live)
    ds, dl, dz = window(od, md, dl, dz, DT, DS, DP)
    hs, hl, hz = window(oh, mh, hl, hz, HT, HS, HP)
    ws, wl, wz = window(ow, mw, wl, wz, WT, WS, WP)
    xo = a_.to(tl.int64) * xa + b_.to(tl.int64) * xb
    wo = xo
    if WEIGHT > 0:
        wo = a_.to(tl.int64) * wa + b_.to(tl.int64) * wb
    p = parameter(par, P0, PAR, ACC)
    TAPS: tl.constexpr = DK * HK * WK
    n = widened(tl.zeros((BLOCK, LANES), tl.int32), ACC)
    a, b, tap = n, n, tl.full((BLOCK, LANES), -1, tl.int32)
    if STATIC:
        for t in tl.static_range(TAPS):
            v, weight, real = element(
                x, w, t, live, xo, wo, ds, dl, dz, hs, hl, hz, ws, wl, wz, xd, xh, xw, wd, wh, ww,
                DG, HK, HG, WK, WG, WEIGHT, SKIP, FAR, ACC)  # fmt: skip
            n, a, b, tap = add(n, a, b, tap, v, weight, real, t, p, OP, P0, P1)
    else:
        begin = tl.program_id(1) * chunk
        for t0 in range(begin, tl.minimum(begin + chunk, TAPS), LANES):
            t = t0 + tl.arange(0, LANES)[None, :]
            v, weight, real = element(
                x, w, t, live & (t < begin + chunk) & (t < TAPS), xo, wo, ds, dl, dz, hs, hl, hz,
                ws, wl, wz, xd, xh, xw, wd, wh, ww,
                DG, HK, HG, WK, WG, WEIGHT, SKIP, FAR, ACC)  # fmt: skip
            n, a, b, tap = add(n, a, b, tap, v, weight, real, t, p, OP, P0, P1)
    if LANES > 1:
        n, a, b, tap = gathered(n, a, b, tap, p, OP, P0, ACC)
    if SPLIT:
        at = tl.program_id(1).to(tl.int64) * total + o
        tl.store(k0 + at, a, mask=live)
        if OP == MAX or OP == MIN:
            tl.store(k1 + at, tap, mask=live)
        else:
            tl.store(k1 + at, n, mask=live)
            tl.store(k2 + at, b, mask=live)
    else:
        yo = a_.to(tl.int64) * ya + b_.to(tl.int64) * yb + (od * yd + oh * yh + ow * yw)
        if OP == MAX or OP == MIN:
            deliver_extreme(a, tap, y, taps, index, yo, live, ds, hs, ws, nh, nw, DG, HK, HG, WK,
                            WG, FILL, HOLLOW, TAPS_OUT, INDEX_OUT)  # fmt: skip
        else:
            divisor = divided(ds, dl, dz, nd, hs, hl, hz, nh, ws, wl, wz, nw, DT, DK, DG, DA,
                              HT, HK, HG, HA, WT, WK, WG, WA, DIVIDE, DIVISOR, ACC)  # fmt: skip
            deliver(n, a, b, y, k0, k1, k2, yo, live, divisor, p, OP, P0, DIVIDE, FILL, HOLLOW,
                    KEEP)  # fmt: skip


@triton.jit
def add(n, a, b, tap, v, weight, real, t, p, OP: tl.constexpr, P0: tl.constexpr,
        P1: tl.constexpr):  # fmt: skip
    """The states after one more element each."""
    if OP == MAX or OP == MIN:
        a, tap = better(a, tap, v, t, real, OP)
    else:
        bn, ba, bb = single(v, weight, OP, P1)
        n, a, b = merge(n, a, b, bn, ba, bb, p, OP, P0)
    return n, a, b, tap


@triton.jit
def gathered(n, a, b, tap, p, OP: tl.constexpr, P0: tl.constexpr, ACC: tl.constexpr):
    """The states of a row of lanes as one."""
    if OP == MAX or OP == MIN:
        a, tap = best_of(a, tap, OP, ACC)
        return a, a, a, tap
    else:
        n, a, b = collapse(n, a, b, p, OP, P0)
        return n, a, b, n


@triton.jit
def divided(ds, dl, dz, nd, hs, hl, hz, nh, ws, wl, wz, nw,
            DT: tl.constexpr, DK: tl.constexpr, DG: tl.constexpr, DA: tl.constexpr,
            HT: tl.constexpr, HK: tl.constexpr, HG: tl.constexpr, HA: tl.constexpr,
            WT: tl.constexpr, WK: tl.constexpr, WG: tl.constexpr, WA: tl.constexpr,
            DIVIDE: tl.constexpr, DIVISOR: tl.constexpr, ACC: tl.constexpr):  # fmt: skip
    """What the sum of a window is divided by, where it is known beforehand."""
    if DIVIDE == COUNTS or DIVIDE == SPANS:
        d = count(ds, dl, dz, DK, DG, DA, nd, DIVIDE == SPANS, DT)
        h = count(hs, hl, hz, HK, HG, HA, nh, DIVIDE == SPANS, HT)
        w = count(ws, wl, wz, WK, WG, WA, nw, DIVIDE == SPANS, WT)
        found = widened(d, ACC) * widened(h, ACC) * widened(w, ACC)
        return tl.where(found == 0, 1.0, found)
    else:
        return widened(tl.full((), DIVISOR, tl.float64), ACC)


@triton.jit
def join(s0, s1, s2, par, y, taps, index, k0, k1, k2, total, nb, nd, nh, nw, md, mh, mw,
         ya, yb, yd, yh, yw, pieces,
         OP: tl.constexpr, P0: tl.constexpr, PAR: tl.constexpr,
         DT: tl.constexpr, DK: tl.constexpr, DS: tl.constexpr, DP: tl.constexpr,
         DG: tl.constexpr, DA: tl.constexpr,
         HT: tl.constexpr, HK: tl.constexpr, HS: tl.constexpr, HP: tl.constexpr,
         HG: tl.constexpr, HA: tl.constexpr,
         WT: tl.constexpr, WK: tl.constexpr, WS: tl.constexpr, WP: tl.constexpr,
         WG: tl.constexpr, WA: tl.constexpr,
         DIVIDE: tl.constexpr, DIVISOR: tl.constexpr, FILL: tl.constexpr, HOLLOW: tl.constexpr,
         ACC: tl.constexpr, LAST: tl.constexpr, TAPS_OUT: tl.constexpr,
         INDEX_OUT: tl.constexpr, KEEP: tl.constexpr, BLOCK: tl.constexpr,
         LANES: tl.constexpr):  # fmt: skip
    """Bring the pieces of windows together (never with ``sizes``: their extents are whole)."""
    o = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)[:, None]
    part = tl.arange(0, LANES)[None, :]
    live = o < total
    real = live & (part < pieces)
    at = part.to(tl.int64) * total + o
    a = tl.load(s0 + at, mask=real, other=0)
    n, b, tap = a, a, tl.full((BLOCK, LANES), -1, tl.int32)
    p = parameter(par, P0, PAR, ACC)
    if OP == MAX or OP == MIN:
        tap = tl.load(s1 + at, mask=real, other=-1)
    else:
        n = tl.load(s1 + at, mask=real, other=0)
        b = tl.load(s2 + at, mask=real, other=0)
    n, a, b, tap = gathered(n, a, b, tap, p, OP, P0, ACC)
    a_, b_, od, oh, ow = decode(o, nb, md, mh, mw, LAST)
    ds, dl, dz = window(od, md, od * 0, od * 0 + nd, DT, DS, DP)
    hs, hl, hz = window(oh, mh, oh * 0, oh * 0 + nh, HT, HS, HP)
    ws, wl, wz = window(ow, mw, ow * 0, ow * 0 + nw, WT, WS, WP)
    yo = a_.to(tl.int64) * ya + b_.to(tl.int64) * yb + (od * yd + oh * yh + ow * yw)
    if OP == MAX or OP == MIN:
        deliver_extreme(a, tap, y, taps, index, yo, live, ds, hs, ws, nh, nw, DG, HK, HG, WK,
                        WG, FILL, HOLLOW, TAPS_OUT, INDEX_OUT)  # fmt: skip
    else:
        divisor = divided(ds, dl, dz, nd, hs, hl, hz, nh, ws, wl, wz, nw, DT, DK, DG, DA,
                          HT, HK, HG, HA, WT, WK, WG, WA, DIVIDE, DIVISOR, ACC)  # fmt: skip
        deliver(n, a, b, y, k0, k1, k2, yo, live, divisor, p, OP, P0, DIVIDE, FILL, HOLLOW,
                KEEP)  # fmt: skip
