"""Data sets by the names a command line gives them."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import PoolError
from . import cifar, folders, idx, made, npz
from .draws import Draws
from .fetch import fetched
from .registry import DEBIAN, DIGITS, IDX, SOURCES, UNPACKED
from .sets import Data, collected
from .splits import split

Tell = Callable[[str], None]
LONGEST = 96
TEST_SHARE, TEST_SEED = 0.2, 0


def silent(words: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Order:
    """What `load` was asked for; every loader takes of it what it needs.

    kind, rest: what stands before and behind the colon of the name
    """

    name: str
    kind: str
    rest: str
    cache: Path | None
    skip_corrupt: bool
    longest: int | None
    tell: Tell


def load(
    name: str,
    *,
    cache: Path | None = None,
    skip_corrupt: bool = False,
    longest: int | None = LONGEST,
    tell: Tell = silent,
) -> Data:
    """The data set of a name, one of `NAMES`.

    cache: the folder for downloads; skip_corrupt: leave out pictures that cannot be read;
    longest: scale pictures of a folder down to this many pixels on their longest edge, None keeps
    their sizes; tell: called with a line about what is being done.

    >>> load("tie:train=100,test=50").train_images.shape
    (100, 1, 20, 20)
    """
    kind, _, rest = name.partition(":")
    if kind not in LOADERS:
        near = difflib.get_close_matches(kind.lower(), LOADERS, 3) or NAMES
        raise PoolError(f"no data set is called {kind!r}; there are {', '.join(near)}")
    return LOADERS[kind](Order(name, kind, rest, cache, skip_corrupt, longest, tell))


def _digits(order: Order) -> Data:
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise PoolError("the digits come with scikit-learn: pip install 'anypool[study]'") from None
    _bare(order)
    images, labels = (np.asarray(part) for part in load_digits(return_X_y=True))
    images = np.rint(images.reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    labels = labels.astype(np.int64)
    parts = [(images[some], labels[some]) for some in split(labels, TEST_SEED, TEST_SHARE)]
    return collected(order.name, parts[0], parts[1], DIGITS)


def _fashion(order: Order) -> Data:
    """Debian's copy where it is installed, else a download."""
    _bare(order)
    here = [Path(DEBIAN, file) for file in IDX]
    if not all(path.exists() for path in here):
        return _downloaded(order)
    order.tell(f"reading {DEBIAN}")
    arrays = []
    for path in here:
        raw = idx.unpacked(path)
        if hashlib.sha256(raw).hexdigest() != UNPACKED[path.name]:
            raise PoolError(
                f"{path} does not match its checksum; install dataset-fashion-mnist again, or "
                "remove it and the set is downloaded"
            )
        arrays.append(idx.parse(raw, str(path)))
    return _of_idx(order.name, arrays)


def _downloaded(order: Order) -> Data:
    _bare(order)
    return _of_idx(order.name, [idx.read(p) for p in fetched(order.name, order.cache, order.tell)])


def _of_idx(name: str, arrays: list[np.ndarray]) -> Data:
    images, labels, test_images, test_labels = arrays
    train = images[:, None], labels.astype(np.int64)
    test = test_images[:, None], test_labels.astype(np.int64)
    return collected(name, train, test, SOURCES[name].classes)


def _cifar10(order: Order) -> Data:
    _bare(order)
    train, test = cifar.read(fetched(order.name, order.cache, order.tell)[0])
    return collected(order.name, train, test, SOURCES[order.name].classes)


def _folder(order: Order) -> Data:
    path = _path(order)
    return folders.read(path, order.longest, order.skip_corrupt, order.tell)


def _npz(order: Order) -> Data:
    data = npz.read(_path(order))
    if data.note:
        order.tell(data.note)
    return data


def _made(order: Order) -> Data:
    """A made set; ``target:seed=3,train=4000,test=1000`` chooses another."""
    settings = {"seed": 0, "train": 4000, "test": 2000}
    for text in filter(None, order.rest.split(",")):
        key, _, value = text.partition("=")
        if key not in settings or not value.isdecimal():
            raise PoolError(
                f"{order.name!r} has the setting {text!r}; write "
                f"{order.kind}:seed=3,train=4000,test=2000, or some of these"
            )
        settings[key] = int(value)
    if max(settings["train"], settings["test"]) > made.MOST:
        raise PoolError(f"{order.name!r} asks for too many images; {made.MOST} are the most")
    make, draws = made.MAKERS[order.kind], Draws(settings["seed"])
    train, test = make(draws, settings["train"]), make(draws, settings["test"])
    return collected(order.name, train, test, made.CLASSES)


def _bare(order: Order) -> None:
    if order.rest:
        raise PoolError(f"{order.name!r} has something behind the colon; {order.kind} takes none")


def _path(order: Order) -> Path:
    if not order.rest:
        raise PoolError(f"{order.kind}: lacks a path; write {order.kind}:PATH")
    return Path(order.rest).expanduser()


_TABLE: dict[str, tuple[Callable[[Order], Data], str]] = {
    "digits": (_digits, "1797 digits of 8x8, from scikit-learn; no download"),
    "fashion-mnist": (
        _fashion,
        "70 000 pieces of clothing of 28x28; Debian's package, or 31 MB to download",
    ),
    "mnist": (_downloaded, "70 000 digits of 28x28; 12 MB to download"),
    "kmnist": (_downloaded, "70 000 Japanese characters of 28x28; 21 MB to download"),
    "cifar10": (_cifar10, "60 000 colour photographs of 32x32; 170 MB to download"),
    "folder:PATH": (_folder, "your pictures, of any sizes, in a folder for each class"),
    "npz:PATH": (_npz, "your arrays, as Keras or MedMNIST name them"),
    "target": (_made, "made: one bright figure in clutter, where max must win"),
    "texture": (_made, "made: the commonest figure, where average must win"),
    "tie": (_made, "made: the same figure everywhere, where neither can win"),
}
LOADERS = {shown.partition(":")[0]: loader for shown, (loader, _) in _TABLE.items()}
NAMES = {shown: line for shown, (_, line) in _TABLE.items()}
