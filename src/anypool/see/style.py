"""How every picture looks: one ink on white, and colours that colour-blind eyes tell apart."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from ..errors import PoolError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

P = ParamSpec("P")
T = TypeVar("T")

PAPER, INK, SOFT, GRID = "#ffffff", "#1b1f24", "#59636e", "#dfe3e8"
# after Okabe and Ito, without their yellow and sky blue, which are too faint on paper; checked by
# simulated colour blindness: the nearest pair stays apart, and line, mark and label tell it too
HUES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#7a28d9", "#3d4a1f")

# settings that belong to the program, not to a picture
_FOREIGN = ("backend", "interactive", "toolbar", "webagg", "animation", "keymap", "savefig")
_HOUSE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.monospace": ["DejaVu Sans Mono"],
    "font.size": 8.5,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.8,
    "axes.unicode_minus": True,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}


def settings(**more: Any) -> Any:
    """A context in which matplotlib draws as this house does, whatever the user has set."""
    try:
        import matplotlib
    except ImportError:
        raise PoolError("pictures need matplotlib: pip install 'anypool[image]'") from None
    rules: dict[Any, Any] = {
        name: value
        for name, value in matplotlib.rcParamsDefault.items()
        if not name.startswith(_FOREIGN)
    }
    rules.update(_HOUSE, **more)
    return matplotlib.rc_context(rules)


def under(context: Callable[[], Any]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """For a function that draws: it runs in this context, and leaves the user's settings alone."""

    def decorate(draw: Callable[P, T]) -> Callable[P, T]:
        @wraps(draw)
        def inside(*args: P.args, **kwargs: P.kwargs) -> T:
            with context():
                return draw(*args, **kwargs)

        return inside

    return decorate


styled = under(settings)


def sheet(inches: tuple[float, float], dpi: int) -> Figure:
    """An empty white figure that no layout engine touches."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise PoolError("pictures need matplotlib: pip install 'anypool[image]'") from None
    return Figure(figsize=inches, dpi=dpi, facecolor=PAPER)


@contextmanager
def foreign_letters() -> Iterator[None]:
    """A letter that the figure's font lacks is no reason to stop: a browser has it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield
