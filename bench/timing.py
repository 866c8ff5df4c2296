"""The package's own timing, by the name that rows and tests know: anypool.bench.timing."""

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
