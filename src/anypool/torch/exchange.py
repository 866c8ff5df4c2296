"""A finished model with our pooling in place of its own, and back again."""

from __future__ import annotations

from types import TracebackType

from torch import nn

from . import dropin
from .errors import PoolRuntimeError

PAIRS = {getattr(nn, name): getattr(dropin, name) for name in dropin.__all__}
UNEXPORTABLE = tuple(
    getattr(nn, name) for name in dropin.__all__ if name.startswith(("Fractional", "MaxUnpool"))
)


class Swap:
    """What :func:`swap` did: the model, the names of its exchanged modules, and ``undo()``.

    As a context manager it undoes itself at the end.
    """

    def __init__(self, model: nn.Module, exchanged: dict[str, tuple[nn.Module, type]]) -> None:
        self.model, self._exchanged = model, exchanged

    @property
    def names(self) -> list[str]:
        return list(self._exchanged)

    def undo(self) -> nn.Module:
        """Give the model its own modules back."""
        for module, theirs in self._exchanged.values():
            module.__class__ = theirs
        self._exchanged = {}
        return self.model

    def __enter__(self) -> nn.Module:
        return self.model

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.undo()

    def __repr__(self) -> str:
        return f"Swap({len(self._exchanged)} modules: {', '.join(self._exchanged) or 'none'})"


def swap(model: nn.Module, for_export: bool = False) -> Swap:
    """Let anypool do a model's pooling: every pooling module of torch.nn in it becomes ours.

    The modules stay the same objects, with their hooks, names and state; only their class changes.
    Outputs stay the same; sub-classes of torch.nn's modules are left alone.

    Args:
        for_export: also make sure that everything can be exported: a PoolError names what cannot
            (fractional pooling, unpooling, indices).

    >>> import torch, anypool.torch as at
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.MaxPool2d(2))
    >>> at.swap(model)
    Swap(1 modules: 1)
    """
    if not isinstance(model, nn.Module):
        raise PoolRuntimeError(f"swap takes a torch.nn.Module, not {type(model).__name__}")
    found = {name: m for name, m in model.named_modules() if type(m) in PAIRS}
    if for_export:
        _check_exportable(model)
    exchanged: dict[str, tuple[nn.Module, type]] = {}
    for name, module in found.items():
        exchanged[name] = (module, type(module))
        module.__class__ = PAIRS[type(module)]
    return Swap(model, exchanged)


def _check_exportable(model: nn.Module) -> None:
    wrong: list[str] = []
    for name, module in model.named_modules():
        told = name or "the model itself"
        if isinstance(module, UNEXPORTABLE):
            wrong.append(f"{told} ({type(module).__name__} has no exportable form)")
        elif getattr(module, "return_indices", False):
            wrong.append(f"{told} (return_indices=True)")
        elif getattr(module, "kind", "") == "stochastic" and module.training:
            wrong.append(f"{told} (draws at random in training; call model.eval())")
    if wrong:
        raise PoolRuntimeError(f"cannot be exported: {'; '.join(wrong)}")
