"""The commands of `anypool study`: parse, call one function of `anypool.study`, print."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import PoolError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..study.study import Study

app = typer.Typer(
    name="study",
    help="Which pooling for my data? Train, compare, and say honestly what is known.",
    no_args_is_help=True,
)

STORE = "anypool-study.db"
_Store = Annotated[
    str, typer.Option(help="A file, or postgresql://user@host/database.", metavar="PLACE")
]
_Name = Annotated[str, typer.Option(help="The study's name in its store.", metavar="NAME")]
_Arm = Annotated[str | None, typer.Option(help="The arm; the best validated one if not given.")]
_Seed = Annotated[int | None, typer.Option(help="The seed; the best validated one if not given.")]


@app.callback()
def needs() -> None:
    """Which pooling for my data? Train, compare, and say honestly what is known."""
    wanted = ("torch", "scipy", "sqlalchemy", "pooch", "jinja2", "matplotlib")
    missing = [package for package in wanted if importlib.util.find_spec(package) is None]
    if missing:
        told = ", ".join(missing)
        raise PoolError(f"anypool study needs {told}: pip install 'anypool[study]'")


@app.command(epilog="Example: anypool study run --data fashion-mnist --arms avg,max,gem --seeds 10")
def run(
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="digits, fashion-mnist, mnist, kmnist, cifar10, target, texture, tie, "
            "folder:PATH, npz:PATH; say it again for more.",
            metavar="SET",
        ),
    ] = None,
    arms: Annotated[str, typer.Option(help="Poolings: avg,max,gem:p=4,avg+max.")] = "avg,max",
    network: Annotated[
        str, typer.Option(help="tutorial, plain, small, classical, or module:function.")
    ] = "small",
    place: Annotated[str, typer.Option(help="head, or inner: between the stages.")] = "head",
    recipe: Annotated[str, typer.Option(help="fast, or tutorial.")] = "fast",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the recipe: epochs=20.", metavar="NAME=VALUE"),
    ] = None,
    seeds: Annotated[int, typer.Option(help="How many seeds; add more later.")] = 10,
    precision: Annotated[str, typer.Option(help="float32, bfloat16, or auto.")] = "float32",
    margin: Annotated[float, typer.Option(help="Points nobody would mind.")] = 0.3,
    reference: Annotated[str | None, typer.Option(help="Compare with this arm only.")] = None,
    tune: Annotated[int, typer.Option(help="Learning rates every arm may try first.")] = 0,
    store: _Store = STORE,
    name: _Name = "study",
    on: Annotated[
        str | None, typer.Option(help="ray, or ray://host: a cluster instead of this machine.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Trials at a time; the cores.")] = None,
    longest: Annotated[int | None, typer.Option(help="Scale folder: images down to this.")] = None,
    skip_corrupt: Annotated[
        bool, typer.Option("--skip-corrupt", help="Leave out images that cannot be read.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Take it from another driver.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the verdict only.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Run what is not finished yet, then say the verdict; the same command goes on later."""
    from ..study import session
    from ..study.progress import progress

    if ":" in network:  # module:function, most likely of a file that lies here
        sys.path.insert(0, os.getcwd())
    asked = session.plan(
        data or ["digits"], _listed(arms), name=name, network=network, place=place,
        recipe=recipe, seeds=seeds, precision=precision, margin=margin / 100,
        reference=reference, tune=tune, **dict(_setting(text) for text in set_ or ()),
    )  # fmt: skip
    stream = sys.stdout if as_json else sys.stderr
    silent = quiet or as_json
    with _executor(on, workers) as executor:
        study = session.run(
            asked, store, executor=executor, force=force, skip_corrupt=skip_corrupt,
            longest=longest, progress=progress(stream, quiet=quiet, as_json=as_json),
            tell=(lambda words: None) if silent else (lambda words: typer.echo(words, err=True)),
        )  # fmt: skip
    _say(study, as_json)


@app.command(epilog="Example: anypool study status")
def status(store: _Store = STORE, name: _Name = "study") -> None:
    """Say how far a study is, and what went wrong in it."""
    found = _study(store, name)
    for line in found.status():
        typer.echo(line)


@app.command("list", epilog="Example: anypool study list --store anypool-study.db")
def list_(store: _Store = STORE) -> None:
    """Name the studies of a store."""
    from ..study.store import open_store

    with open_store(store, create=False, readonly=True) as opened:
        lines = opened.studies()
    for line in lines or ():
        typer.echo(
            f"{line.name}: {line.done} trials done, {line.failed} failed, {line.missing} to run"
        )
    if not lines:
        typer.echo(f"no study in {store} yet; begin one with anypool study run")


@app.command(epilog="Example: anypool study report --out report --dpi 300")
def report(
    out: Annotated[str, typer.Option(help="The folder to write.")] = "study-report",
    dpi: Annotated[int, typer.Option(help="Dots per inch of the figures, 50 to 600.")] = 150,
    store: _Store = STORE,
    name: _Name = "study",
) -> None:
    """Write report.html, its figures, a LaTeX table and the numbers as JSON."""
    for file in _study(store, name).report(out, dpi=dpi):
        typer.echo(f"wrote {file}")


@app.command(epilog="Example: anypool study compare avg max")
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="An arm.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another arm.")],
    store: _Store = STORE,
    name: _Name = "study",
    as_json: Annotated[bool, typer.Option("--json", help="The numbers as JSON.")] = False,
) -> None:
    """Compare two arms: who is better, by how much, how sure."""
    from dataclasses import asdict

    pairs = _study(store, name).compare(a, b)
    if as_json:
        typer.echo(json.dumps([asdict(pair) for pair in pairs], indent=1))
        return
    for pair in pairs:
        typer.echo(pair.sentence)


@app.command(epilog="Example: anypool study predict shirt.png --arm avg")
def predict(
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO", help="Images to classify.")],
    arm: _Arm = None,
    seed: _Seed = None,
    data: Annotated[str | None, typer.Option(help="The data set it learnt from.")] = None,
    store: _Store = STORE,
    name: _Name = "study",
) -> None:
    """Say which class a trained network sees in photographs."""
    from ..see.read import read
    from ..study.predict import best_guess

    images = [read(photo) for photo in photos]
    network = _study(store, name).network(arm, seed, data)
    for photo, (word, share) in zip(photos, best_guess(network, images), strict=True):
        typer.echo(f"{photo}: {word} ({100 * share:.1f} %)")


@app.command(epilog="Example: anypool study export trials.parquet")
def export(
    path: Annotated[str, typer.Argument(help="Ends in .json, .csv or .parquet.")],
    store: _Store = STORE,
    name: _Name = "study",
) -> None:
    """Write every trial, epoch and prediction for other programs."""
    for file in _study(store, name).export(path):
        typer.echo(f"wrote {file}")


def _study(store: str, name: str) -> Study:
    from ..study.study import Study

    return Study(store, name)


def _say(study: Study, as_json: bool) -> None:
    verdict = study.verdict()
    if as_json:
        typer.echo(json.dumps({"event": "verdict", **verdict.document()}))
        return
    typer.echo(verdict.sentence)
    for note in verdict.notes:
        typer.echo(f"  {note}")


def _listed(text: str) -> list[str]:
    """The arms of a list; commas in brackets belong to a setting.

    >>> _listed("avg,pyramid:bins=(1,2)")
    ['avg', 'pyramid:bins=(1,2)']
    """
    parts: list[str] = []
    depth, word = 0, ""
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            parts.append(word)
            word = ""
        else:
            word += letter
    return [part.strip() for part in (*parts, word) if part.strip()]


def _setting(text: str) -> tuple[str, Any]:
    from ..study.arms import setting

    return setting(text)


def _executor(on: str | None, workers: int | None) -> Executor:
    from ..study.pools import Processes

    if on is None:
        return Processes(workers)
    if on != "ray" and not on.startswith("ray://"):
        raise PoolError(f"--on is {on!r}; it may be ray, or ray://host of a cluster")
    from ..study.rays import Cluster

    return Cluster(None if on == "ray" else on)
