"""The package's own timing, under the name that the rows and tests know: see anypool.bench.timing."""

from anypool.bench.timing import (
    FULL,
    MOST_CALLS,
    QUICK,
    Call,
    Clock,
    Effort,
    Spread,
    burst,
    calls_in,
    side_by_side,
    spread,
    times_faster,
)

__all__ = [
    "FULL", "MOST_CALLS", "QUICK", "Call", "Clock", "Effort", "Spread", "burst", "calls_in",
    "side_by_side", "spread", "times_faster",
]  # fmt: skip
