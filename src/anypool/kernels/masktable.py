"""What the masked row kernels and those who call them agree on, beside the table of the rows."""

from __future__ import annotations

# Where a number stands in `more`: first element and steps in the mask, the distance of outputs in
# y, counts in a row, the bits of fill; then the planes' strides in the mask and in the counts.
M0, M_D, M_H, M_D_STEP, M_H_STEP, M_W, Y_W, COUNTS, FILL, PLANES = range(10)
