"""Tensors as the arrays that kernels read, and which tensors can be read so."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import torch

from ..errors import PoolError
from .errors import PoolNotImplementedError, PoolRuntimeError

_C: Any = torch._C
PLAIN_TYPES = (torch.Tensor, torch.nn.Parameter)
BITS = {torch.bfloat16: torch.uint16, torch.float16: torch.uint16}
SAME_NAME = (
    "float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "uint16",
    "uint32", "uint64", "bool", "complex64", "complex128",
)  # fmt: skip
TO_NUMPY = {getattr(torch, name): np.dtype(name) for name in SAME_NAME}
if importlib.util.find_spec("ml_dtypes"):
    import ml_dtypes

    TO_NUMPY[torch.bfloat16] = np.dtype(ml_dtypes.bfloat16)
TO_TORCH = {ours: theirs for theirs, ours in TO_NUMPY.items()}


def ordinary(x: Any, on_cpu: bool = True) -> bool:
    """Whether x is an ordinary CPU tensor in an ordinary moment: nobody traces or transforms."""
    return (
        type(x) in PLAIN_TYPES
        and x.is_cpu is on_cpu
        and x.layout is torch.strided
        and not _C._len_torch_dispatch_stack()
        and _C._functorch.peek_interpreter_stack() is None
        and torch.autograd.forward_ad._current_level < 0
        and _C._get_tracing_state() is None
    )


def incoming(g: torch.Tensor) -> bool:
    """Whether an incoming derivative is :func:`ordinary`, and not many of them at once."""
    return ordinary(g) and not _C._functorch.is_legacy_batchedtensor(g)


def numpy_dtype(dtype: torch.dtype) -> np.dtype:
    """The NumPy dtype that holds the same numbers."""
    found = TO_NUMPY.get(dtype)
    if found is not None:
        return found
    if dtype is torch.bfloat16:
        raise PoolError("bfloat16 needs ml_dtypes beside NumPy: pip install 'anypool[torch]'")
    raise PoolNotImplementedError(
        f"x is {dtype}; pooling needs bool, integers, floats or complex: dequantize or convert it"
    )


def array_of(x: torch.Tensor) -> np.ndarray:
    """The memory of a CPU tensor as a NumPy array of the same numbers; no copy."""
    bits, x = BITS.get(x.dtype), settled(x)
    return x.numpy() if bits is None else x.view(bits).numpy().view(numpy_dtype(x.dtype))


def bits_of(x: torch.Tensor) -> np.ndarray:
    """The memory of a CPU tensor as kernels read it: halves as uint16."""
    bits, x = BITS.get(x.dtype), settled(x)
    return x.numpy() if bits is None else x.view(bits).numpy()


def settled(x: torch.Tensor) -> torch.Tensor:
    """x apart from autograd, with what it only says about itself (conjugate, negative) done."""
    x = x.detach()
    if x.is_conj() or x.is_neg():
        return x.resolve_conj().resolve_neg()
    return x.clone() if x._is_zerotensor() else x


def tensor_of(a: np.ndarray) -> torch.Tensor:
    """A NumPy array as a tensor of the same numbers; no copy."""
    if a.dtype.name == "bfloat16":
        return torch.from_numpy(a.view(np.uint16)).view(torch.bfloat16)
    return torch.from_numpy(a)


def check_tensor(x: torch.Tensor) -> None:
    """One sentence for tensors that no pooling reads."""
    if x.is_nested:
        return
    if x.layout is not torch.strided:
        kind = str(x.layout).removeprefix("torch.")
        raise PoolNotImplementedError(f"x is {kind}; pooling reads dense tensors: use x.to_dense()")
    if x.is_quantized:
        raise PoolNotImplementedError("x is quantized; use x.dequantize() or x.int_repr()")


def check_beside(what: str, other: Any, x: torch.Tensor) -> None:
    """``other`` must live where x does."""
    if isinstance(other, torch.Tensor) and other.device != x.device:
        raise PoolRuntimeError(
            f"{what} is on {other.device}, x on {x.device}; use {what}.to(x.device)"
        )
