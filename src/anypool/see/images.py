"""Any poolings of any pictures as one figure."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ..errors import PoolError
from .apart import Pair, apart
from .boxes import box_panels, boxes_of
from .figure import Group, arranged, check, frame_dots
from .numbers import several
from .panel import Panel, compact
from .picture import Limits, Picture, silent
from .read import label, load
from .slices import chosen, one
from .ways import DEFAULT, Pooling, ways_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Ask:
    """What is to be drawn of every picture; the arguments of :func:`images`."""

    ways: Sequence[Any] | None
    differences: Sequence[Pair] = ()
    signed: bool = False
    boxes: Any = None
    box_size: Any = 7
    box_reduce: Any = "max"
    slices: int | Sequence[int] | None = None
    kernel: Any = 2
    stride: Any = None
    adaptive: Any = 7
    dpi: int = 120
    scale: int | None = None
    number: int = 0

    def of(self, number: int) -> Ask:
        """The same for the picture of this number, which its boxes may name."""
        return replace(self, number=number)

    def poolings(self, asked: Iterable[Any], axes: tuple[int, ...]) -> list[Pooling]:
        """The poolings that names, values and pairs stand for."""
        return ways_of(
            asked, kernel=self.kernel, stride=self.stride, adaptive=self.adaptive, axes=axes
        )


def images(
    images: Any,
    ways: Iterable[Any] | None = None,
    *,
    kernel: Any = 2,
    stride: Any = None,
    adaptive: Any = 7,
    differences: Sequence[Pair] = (),
    signed: bool = False,
    boxes: Any = None,
    box_size: Any = 7,
    box_reduce: Any = "max",
    slices: int | Sequence[int] | None = None,
    limits: Limits | None = None,
    scale: int | None = None,
    columns: int | None = None,
    dpi: int = 120,
    tell: Callable[[str], None] = silent,
) -> Figure:
    """A figure of pictures and their poolings: originals, pooled ones, differences, boxes.

    Every panel says the call that made it, on the picture ``x`` as float32, and its true size.
    Nothing is left behind in matplotlib: the figure is a value; :func:`anypool.see.save` writes it.

    Args:
        images: one or several of a path, an address (http, https, file), an array, a Pillow image:
            a list, or a dict with their names. Arrays are (rows, columns), (rows, columns, 3 or 4),
            (3, rows, columns), or (slices, rows, columns) for a volume; four axes with one of
            channels are a batch.
            uint8, uint16 and bool lie between 0 and 1 (black and white); other numbers stay as
            they are and are drawn from their smallest to their largest, which is said.
        ways: names ("max", "adaptive", "global-gem", ...), ``(windows, reduction)`` pairs, or
            :class:`Pooling` values. None: the usual seven, or none where there are boxes.
        kernel, stride, adaptive: the windows of the names, as :func:`poolings` takes them.
        differences: pairs of ways, or of a way and "original": the absolute difference, the mean
            over the channels, all on one colour scale. Where sizes differ the smaller is stretched.
        signed: differences with their sign, zero white.
        boxes: rows of (row, column, row, column), half-open, or with the number of the image in
            front; drawn on the photograph, and beside it what ``roi_pool`` makes of each.
        box_size, box_reduce: the output size and the reduction of the boxes.
        slices: which slices of a volume to draw, or how many (None: three); makes a volume of
            three axes, and of a file with several pages. The pooling is over all three axes.
        limits: the numbers drawn black and white (0 and 1, where these are known).
        scale: dots for each pixel, the same for every panel; None: every panel fills its frame.
        columns: how many panels side by side.
        dpi: dots an inch, 20 to 1200.
        tell: hears a few words before each step, and what must be known of a picture.

    Raises:
        PoolError: one sentence, where a picture cannot be read or pooled as asked.

    >>> import numpy as np, anypool as ap
    >>> x = np.random.default_rng(0).random((20, 30))
    >>> figure = images(x, ["max", (ap.windows.split(5), "mean")], differences=[("max", "avg")])
    >>> for ax in figure.axes[:3]:
    ...     print(ax.get_title(loc="left").replace("\\n", ": "))
    original: 20 × 30
    max_pool(x, 2, axes=(0, 1)): 10 × 15
    pool(x, windows.split(5), 'mean', axes=(0, 1)): 5 × 5
    """
    check(dpi, columns, scale)
    ask = Ask(
        None if ways is None else tuple(ways), tuple(differences), signed, boxes, box_size,
        box_reduce, slices, kernel, stride, adaptive, dpi, scale,
    )  # fmt: skip
    groups: list[Group] = []
    named = _named(images, slices is not None)
    for number, (name, source) in enumerate(named):
        other = f"image {number}" if len(named) > 1 else ""
        picture = _picture(source, name, other, limits, slices is not None, tell)
        groups += groups_of(picture, ask.of(number), tell)
    return arranged(on_one_scale(groups), columns=columns, scale=scale, dpi=dpi)


def groups_of(picture: Picture, ask: Ask, tell: Callable[[str], None] = silent) -> list[Group]:
    """The panels of one picture; of a volume a group for each slice."""
    try:
        return _groups(picture, ask, tell)
    except PoolError as error:
        if not picture.name:
            raise
        raise type(error)(f"{picture.name}: {error}") from None


def _groups(picture: Picture, ask: Ask, tell: Callable[[str], None]) -> list[Group]:
    if picture.volume and ask.boxes is not None:
        raise PoolError("boxes are for photographs; this is a volume")
    view = _View(picture, ask, tell)
    depth = picture.values.shape[0] if picture.volume else 0
    places = chosen(ask.slices, depth) if picture.volume else [None]
    groups = {place: [one(picture, view.original, place)] for place in places}
    for made in view.made():
        for place in places:
            groups[place].append(compact(one(picture, made, place), view.dots))
    return [
        Group(_name(picture, place, depth), [compact(panels[0], view.dots), *panels[1:]],
              picture.notes if place in (None, places[0]) else ())
        for place, panels in groups.items()
    ]  # fmt: skip


def on_one_scale(groups: Sequence[Group]) -> list[Group]:
    """The groups with one colour scale for all heat maps that have limits of their own."""
    ends = [p.limits for g in groups for p in g.panels if p.heat and p.limits]
    if not ends:
        return list(groups)
    limits = (min(low for low, _ in ends), max(high for _, high in ends))
    return [
        replace(g, panels=[replace(p, limits=limits) if p.heat else p for p in g.panels])
        for g in groups
    ]


class _View:
    """One picture and what was asked of it; a pooling that several panels need is done once."""

    def __init__(self, picture: Picture, ask: Ask, tell: Callable[[str], None]) -> None:
        self.picture, self.ask, self.tell = picture, ask, tell
        self.kept: dict[Pooling, NDArray[Any]] = {}
        self.dots = frame_dots(ask.dpi) if ask.scale is None else 2**31

    @cached_property
    def pairs(self) -> list[tuple[Pooling | None, Pooling | None]]:
        """The differences as poolings; None is the original."""
        return [tuple(self._side(side) for side in _two(pair)) for pair in self.ask.differences]  # type: ignore[misc]

    def _side(self, side: Any) -> Pooling | None:
        if isinstance(side, str) and side in ("original", "x"):
            return None
        return self.ask.poolings([side], self.picture.axes)[0]

    def _panel(self, title: str, values: NDArray[Any], **more: Any) -> Panel:
        limits = (self.picture.low, self.picture.high)
        return Panel(title, values, limits=limits, clip=self.picture.given, **more)

    @cached_property
    def original(self) -> Panel:
        boxes = boxes_of(self.ask.boxes, self.ask.number, self.picture)
        return self._panel("original", self.picture.values, boxes=boxes)

    def made(self) -> Iterable[Panel]:
        """Every panel but the original, one after the other."""
        usual = DEFAULT if self.ask.boxes is None else ()
        needed = {side for pair in self.pairs for side in pair}
        for way in self.ask.poolings(
            usual if self.ask.ways is None else self.ask.ways, self.picture.axes
        ):
            self.tell(way.call)
            made = way.drawn(self.picture.values)
            if way in needed:
                self.kept[way] = made
            yield self._panel(way.call, made)
        for pair in self.pairs:
            yield apart(self.picture, pair, self._values, self.ask.signed)
        yield from box_panels(self.picture, self.original.boxes, self.ask.box_size,
                              self.ask.box_reduce)  # fmt: skip

    def _values(self, way: Pooling | None) -> NDArray[Any]:
        if way is None:
            return self.picture.values
        if way not in self.kept:
            self.kept[way] = way.drawn(self.picture.values)
        return self.kept[way]


def _two(pair: Any) -> tuple[Any, Any]:
    """A difference's two sides; two letters are no pair."""
    if isinstance(pair, str) or len(pair) != 2:
        raise PoolError(f'a difference is {pair!r}; give two ways, such as ("max", "avg")')
    return pair[0], pair[1]


def _named(given: Any, volumes: bool) -> list[tuple[str, Any]]:
    """The pictures one by one, with the names that they were given."""
    if isinstance(given, Mapping):
        named = [(str(name), source) for name, source in given.items()]
    elif isinstance(given, list | tuple) or (several(given) and not volumes):
        named = [("", source) for source in given]
    else:
        named = [("", given)]
    if not named:
        raise PoolError("there are no images; give at least one")
    return named


def _picture(
    source: Any, name: str, other: str, limits: Limits | None, volume: bool,
    tell: Callable[[str], None],
) -> Picture:  # fmt: skip
    """The picture as it will be drawn, under its name or the last part of its path."""
    file = isinstance(source, str | os.PathLike)
    if file:
        tell(f"reading {os.fsdecode(source)}")
    picture = load(source, name=name or other, limits=limits, pages=volume, tell=tell)
    for note in picture.notes:
        tell(note)
    return replace(picture, name=name or label(source)) if file else picture


def _name(picture: Picture, place: int | None, depth: int) -> str:
    """What stands above a picture's panels."""
    words = [picture.name] if picture.name else []
    if place is not None:
        words.append(f"slice {place} (of 0–{depth - 1})")
    return ", ".join(words)
