"""What the row kernels and those who call them agree on."""

from __future__ import annotations

from typing import NamedTuple

# Where a number stands in the kernel's table of integers; the tables of the axes follow.
HEADER = (
    "axes", "depth", "height", "x0", "y0", "d_x", "d_y", "h_x", "h_y", "d_step", "h_step", "length",
    "w_x", "channels", "w_y", "outputs", "size", "stride", "gap", "before", "span", "span_low",
    "span_high", "strips", "most", "widest", "at_planes", "at_d", "at_h", "at_w", "at_strips",
)  # fmt: skip
(
    AXES, DEPTH, HEIGHT, X0, Y0, D_X, D_Y, H_X, H_Y, D_STEP, H_STEP, LENGTH,
    W_X, CHANNELS, W_Y, OUTPUTS, SIZE, STRIDE, GAP, BEFORE, SPAN, SPAN_LOW,
    SPAN_HIGH, STRIPS, MOST, WIDEST, AT_PLANES, AT_D, AT_H, AT_W, AT_STRIPS,
) = range(len(HEADER))  # fmt: skip

RUN = 8  # numbers summed one after the other before they join the total: keeps f32 sums accurate
WIDE_RUN = 16  # the same where the total is of double width


class Step(NamedTuple):
    """What of the windows along the row is compiled in."""

    ragged: bool
    size: int  # 0: size and stride are read from the table
    stride: int
    lanes: int  # vectors over the channels are this long; 1: there is one channel
    direct: bool  # channels fill whole vectors: straight from x, without a buffer
