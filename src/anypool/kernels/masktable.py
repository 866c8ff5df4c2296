"""What the masked row kernels and those who call them agree on, beside the table of the rows."""

from __future__ import annotations

# `more`: one array of integers; the strides of the planes in the mask follow.
(
    M0, M_D, M_H, M_D_STEP, M_H_STEP, M_W, Y_W, CHUNK, ROOM, FILL, M_PLANES,
) = range(11)  # fmt: skip
