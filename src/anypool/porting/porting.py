"""One pooling's arguments in another framework's words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..errors import PoolError
from . import notes, to_jax, to_keras, to_onnx, to_torch
from .facts import FRAMEWORKS, fact
from .meaning import understand
from .names import Spelling
from .pooling import Pooling
from .reading import read

TARGETS = {
    "torch": to_torch.write, "keras": to_keras.keras, "tensorflow": to_keras.tensorflow,
    "jax": to_jax.jax, "flax": to_jax.flax, "onnx": to_onnx.onnx, "anypool": to_onnx.anypool,
}  # fmt: skip


@dataclass(frozen=True)
class Ported:
    """What :func:`port` gives: a pooling in another framework's words. Prints as code and notes.

    ``name`` and ``arguments`` are the target's; ``code`` is text that runs and defines ``pool``
    (for ONNX ``node``); ``notes`` say what no argument can; ``channels`` is "first" or "last".
    """

    framework: str
    name: str
    arguments: dict[str, Any]
    code: str
    notes: tuple[str, ...]
    channels: str

    def __str__(self) -> str:
        return self.code + "".join(f"# {note}\n" for note in self.notes)


def port(
    config: Any, from_: str | None = None, to: str = "torch", *, rank: int | None = None,
    size: Any = None,
) -> Ported:  # fmt: skip
    """Say one pooling in another framework's words, so that the numbers stay the same.

    Args:
        config: a dict with the pooling's name and arguments, a call in words
            (``"MaxPool2d(3, stride=2)"``), what Keras's ``get_config()`` or ``serialize()`` gives,
            a module of torch.nn, a layer of Keras, an ONNX node, or a ``functools.partial``.
        from_, to: "torch", "keras", "tensorflow", "jax", "flax", "onnx" or "anypool". ``from_``
            None: the one whose name it is.
        rank: how many axes are pooled, where the name does not tell.
        size: the sizes of the pooled axes; needed where one framework computes the padding from
            the size and the other has only numbers (ceil mode; "same" as fixed numbers).

    Returns:
        A :class:`Ported`: ``name``, ``arguments``, ``code``, ``notes``, ``channels``.

    Raises:
        PoolError: for what cannot be read, and for what the target cannot do; it names the nearest.

    No framework is imported. A stride is always written out, so that no default can change it.

    >>> import anypool as ap
    >>> made = ap.port("keras.layers.MaxPooling2D(3, strides=2, padding='same')", size=(9, 9))
    >>> print(made.code)
    import torch
    <BLANKLINE>
    pool = torch.nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
    <BLANKLINE>
    >>> ap.port("torch.nn.AvgPool2d(2, ceil_mode=True)", to="onnx").arguments
    {'kernel_shape': [2, 2], 'strides': [2, 2], 'ceil_mode': 1}
    """
    if to not in TARGETS:
        raise PoolError(f"to is {to!r}; use one of {', '.join(FRAMEWORKS)}")
    row, given = read(config, from_)
    source = understand(row, given, rank, size)
    target = _laid(row, source, to)
    draft = TARGETS[to](target)
    told = (*draft.notes, *notes.between(row, source, to, target))
    return Ported(to, draft.name, draft.arguments, draft.code, told, target.channels)


def _laid(row: Spelling, source: Pooling, to: str) -> Pooling:
    """The pooling where the target has its channels; a choice that can be kept is kept."""
    own = fact(to, "channels")
    says = ("keras", "tensorflow")  # the two with data_format
    free = own == "any" or (to in says and row.framework in says)
    return source if free else replace(source, channels=own)
