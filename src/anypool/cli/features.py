"""anypool features: what a layer of a network sees, and which cells make its scores."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import PoolError
from .parts import numbers

if TYPE_CHECKING:
    from rich.table import Table

    from ..see import ClassMaps, Features, Layer

EXAMPLE = "Example: anypool features --store demo/study.db --arm avg --image 2 --out maps.png"


def features(
    image: Annotated[
        str | None, typer.Option(help="A photograph, or the number of a test image of the study.")
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(help="Its name or number; what enters the global pooling if not given."),
    ] = None,
    entering: Annotated[
        bool, typer.Option("--entering", help="The maps that the layer takes, not those it gives.")
    ] = False,
    class_maps: Annotated[
        bool, typer.Option("--class-maps", help="What each cell adds to each class's score.")
    ] = False,
    list_: Annotated[
        bool, typer.Option("--list", help="Print the layers with their shapes, and draw nothing.")
    ] = False,
    store: Annotated[
        str | None, typer.Option(help="A study's store, for one of its networks.", metavar="PLACE")
    ] = None,
    name: Annotated[str, typer.Option(help="The study's name in its store.")] = "study",
    arm: Annotated[str | None, typer.Option(help="The arm; the best validated one.")] = None,
    seed: Annotated[int | None, typer.Option(help="The seed; the best validated one.")] = None,
    data: Annotated[str | None, typer.Option(help="The data set it learnt from.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Your own model: module:function.", metavar="FACTORY")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Its tensors: a file of its state dict.", metavar="FILE")
    ] = None,
    size: Annotated[str | None, typer.Option(help="Scale the photograph: 224, 224x320.")] = None,
    mean: Annotated[str | None, typer.Option(help="Taken off each channel: 0.5,0.4,0.4.")] = None,
    std: Annotated[str | None, typer.Option(help="Each channel is divided by it.")] = None,
    classes: Annotated[
        str | None, typer.Option(help="Their names: cat,dog, or a file with one a line.")
    ] = None,
    scores: Annotated[
        str | None, typer.Option(help="Where they are, if the model gives a dict or a tuple.")
    ] = None,
    true: Annotated[str | None, typer.Option(help="The right class: a name or a number.")] = None,
    most: Annotated[int | None, typer.Option(help="Draw at most so many maps or classes.")] = None,
    out: Annotated[str, typer.Option(help="The file: .png, .svg or .pdf.")] = "features.png",
    dpi: Annotated[int, typer.Option(help="Dots per inch, 20 to 1200.")] = 120,
) -> None:
    """Draw what a layer of a network sees in an image, or which cells make its scores."""
    from .. import see
    from ..see.showing import checked, dots_checked, needs_torch

    checked(out)
    dots_checked(dpi)
    needs_torch()
    if (store is None) == (model is None):
        raise PoolError(
            "say whose layers: --store of a study, or --model module:function of your own"
        )
    if store is not None:
        _only_for("--model", weights=weights, size=size, mean=mean, std=std, classes=classes)
        asked = _studied(store, name, (arm, seed, data), image, drawing=not list_)
    else:
        _only_for("--store", arm=arm, seed=seed, data=data)
        asked = _own(model or "", weights, image, (size, mean, std), classes, drawing=not list_)
    how: dict[str, Any] = {"scores": _number(scores)}
    if list_:
        _print(see.layers(asked.model, asked.x, **how))
        return
    how |= {"true": asked.true if true is None else _number(true), "classes": asked.classes}
    where = _number(layer)
    told = {} if most is None else {"most": most}
    if class_maps:
        found = see.class_maps(asked.model, asked.x, where, **how)
        path, lines = found.save(out, dpi=dpi, **told), _maps_in_words(found)
    else:
        seen = see.features(asked.model, asked.x, where, entering=entering or None, **how)
        path, lines = seen.save(out, dpi=dpi, **told), _features_in_words(seen)
    for line in (*lines, f"wrote {path}"):
        typer.echo(line)


@dataclass(frozen=True)
class _Asked:
    """Who looks at what."""

    model: Any
    x: Any
    true: int | None = None
    classes: list[str] | None = None


def _studied(
    store: str, name: str, which: tuple[Any, Any, Any], image: str | None, *, drawing: bool
) -> _Asked:
    """A network of a study, and an image of its test set or a photograph."""
    from ..study.study import Study

    sys.path.insert(0, os.getcwd())  # where a network of one's own lies
    network = Study(store, name).network(*which)
    if not drawing and image is None:
        import numpy as np

        return _Asked(network, np.zeros((network.channels, *network.size), np.float32))
    number = _number("0" if image is None else image)
    if not isinstance(number, int):
        return _Asked(network, number)
    from ..study.data import load

    trial = network.trial
    found = load(trial.data, tell=lambda words: typer.echo(words, err=True))
    if found.digest != trial.digest:
        typer.echo(f"  {trial.data} is no longer what the network learnt from", err=True)
    if not 0 <= number < len(found.test_images):
        most = len(found.test_images) - 1
        raise PoolError(f"--image is {number}; {trial.data} has test images from 0 to {most}")
    return _Asked(network, found.test_images[number], int(found.test_labels[number]))


def _own(
    model: str, weights: str | None, image: str | None,
    scaling: tuple[str | None, str | None, str | None], classes: str | None, *, drawing: bool,
) -> _Asked:  # fmt: skip
    """The user's own model and photograph."""
    from ..see.inside.own import made, photograph
    from ..study.networks import named

    if not all(model.partition(":")):
        raise PoolError(f"--model is {model!r}; write module:function of your own")
    if drawing and image is None:
        raise PoolError("say which photograph: --image cat.png")
    sys.path.insert(0, os.getcwd())  # most likely the file lies here
    module = made(named(model), model, weights)
    size, mean, std = scaling
    sides = None if size is None else numbers(size, "--size")
    both = (sides, sides) if isinstance(sides, int) else sides
    if both is not None and len(both) != 2:
        raise PoolError(f"--size is {size!r}; write rows and columns, as 224x320, or one number")
    x = photograph(module, image, both, _floats(mean, "--mean"), _floats(std, "--std"))
    return _Asked(module, x, classes=_names(classes))


def _only_for(other: str, **options: Any) -> None:
    """Options that belong to the other kind of model."""
    given = [f"--{name}" for name, value in options.items() if value is not None]
    if given:
        raise PoolError(f"{given[0]} goes with {other} only")


def _number(text: str | None) -> Any:
    """16 for "16"; a word stays a word."""
    return int(text) if text is not None and text.removeprefix("-").isdecimal() else text


def _floats(text: str | None, option: str) -> list[float] | None:
    try:
        return None if text is None else [float(part) for part in text.split(",")]
    except ValueError:
        raise PoolError(f"{option} is {text!r}; write numbers such as 0.5,0.4,0.4") from None


def _names(text: str | None) -> list[str] | None:
    if text is None:
        return None
    if not os.path.isfile(text):
        return [word.strip() for word in text.split(",")]
    try:
        with open(text, encoding="utf-8") as file:
            return [line.strip() for line in file if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise PoolError(f"cannot read the classes of {text}: {error}") from None


# -- what is printed ----------------------------------------------------------------------------


def _judged(found: Features | ClassMaps) -> list[str]:
    from ..see.showing import said

    pairs = [("true", found.true), ("predicted", found.predicted)]
    words = [f"{what} {said(which, found.classes)}" for what, which in pairs if which is not None]
    return [", ".join(words)] if words else []


def _features_in_words(seen: Features) -> list[str]:
    """Title, classes, and which maps are the brightest."""
    flat = seen.maps[0].reshape(seen.maps.shape[1], -1)
    mean, peak = flat.mean(1), flat.max(1)
    brightest = (
        f"brightest by its mean: {seen.names[mean.argmax()]} ({mean.max():.3g}), by its peak: "
        f"{seen.names[peak.argmax()]} ({peak.max():.3g})"
    )
    return [seen.title + (f", {seen.note}" if seen.note else ""), *_judged(seen), brightest]


def _maps_in_words(found: ClassMaps) -> list[str]:
    kind = "exact" if found.exact else "not exact, so Grad-CAM"
    return [f"{found.layer}: {kind}: {found.why}", *_judged(found)]


def _print(rows: list[Layer]) -> None:
    from rich.console import Console

    Console(highlight=False).print(_table(rows))


def _table(rows: list[Layer]) -> Table:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    if any(row.pools for row in rows):
        table.caption = "* the global pooling: what enters it is drawn where no layer is named"
        table.caption_justify = "left"
    table.add_column("number", justify="right")
    table.add_column("layer", no_wrap=True)
    for column in ("kind", "takes", "gives"):
        table.add_column(column, overflow="fold")
    table.add_column("parameters", justify="right")
    for row in rows:
        number = "" if row.number is None else str(row.number)
        name = f"{row.name} *" if row.pools else row.name
        shapes = [_shape(row.takes), _shape(row.gives)]
        table.add_row(number, escape(name), row.kind, *shapes, f"{row.parameters:,}")
    return table


def _shape(shape: tuple[int, ...] | None) -> str:
    return "" if shape is None else "×".join(map(str, shape))
