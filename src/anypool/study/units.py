"""Numbers as people read them: accuracies in percent, differences in points."""

from __future__ import annotations

import math

MISSING = "–"


def percent(share: float | None, places: int = 2) -> str:
    """A share as percent.

    >>> percent(0.93251)
    '93.25 %'
    """
    return _known(share) or f"{_plain(100 * _number(share), places)} %"


def points(share: float | None, places: int = 2) -> str:
    """A difference of shares in percentage points, with its sign.

    >>> points(-0.0171)
    '−1.71'
    """
    if missing := _known(share):
        return missing
    text = _plain(100 * _number(share), places)
    return text if text.startswith("−") or not text.strip("0.") else f"+{text}"


def span(low: float, high: float) -> str:
    """An interval in points; one that leaves nothing out, as of a single seed, says nothing.

    >>> span(-0.001, 0.025)
    '−0.10 to +2.50'
    """
    known = math.isfinite(low) and math.isfinite(high) and high - low < 2
    return f"{points(low)} to {points(high)}" if known else MISSING


def chance(p: float | None) -> str:
    """A p value; what is too small to matter is not spelled out.

    >>> chance(0.00002)
    '< 0.001'
    """
    return _known(p) or ("< 0.001" if _number(p) < 0.001 else f"{_number(p):.3f}")


def seconds(value: float | None) -> str:
    """A time in the unit that suits it.

    >>> seconds(284), seconds(4000)
    ('4.7 min', '1.1 h')
    """
    if missing := _known(value):
        return missing
    number = _number(value)
    if number < 120:
        return f"{number:.3g} s" if number < 99.95 else f"{number:.0f} s"
    return f"{number / 60:.1f} min" if number < 3600 else f"{number / 3600:.1f} h"


def memory(value: float | None) -> str:
    """Bytes in MB of a million bytes, or GB.

    >>> memory(312_400_000)
    '312 MB'
    """
    if missing := _known(value):
        return missing
    million = _number(value) / 1e6
    return f"{million / 1000:.2f} GB" if million >= 1000 else f"{million:.3g} MB"


def count(value: float | None) -> str:
    """A whole number with thin gaps between the thousands.

    >>> count(139658) == "139\N{NARROW NO-BREAK SPACE}658"
    True
    """
    return _known(value) or f"{_number(value):,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _plain(value: float, places: int) -> str:
    """The value rounded, with a true minus sign and no negative nought."""
    return f"{round(value, places) + 0.0:.{places}f}".replace("-", "−")


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _known(value: float | None) -> str:
    """The dash that stands for a number nobody knows; nothing where it is known."""
    return "" if math.isfinite(_number(value)) else MISSING
