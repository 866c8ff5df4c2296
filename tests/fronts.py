"""Every front as one thing: arrays in, arrays out, derivatives too. ``test_sameness.py`` runs them.

Keras has one backend a process, so each of its backends answers from a process of its own.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest

import anypool as ap
from cases import Case

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@dataclass(frozen=True)
class Front:
    """How one framework is asked: what must be installed, and what it answers a case with.

    ``answer(what, case, **common)`` gives NumPy arrays: "pool" the values, "indices" values and
    places, "gradient" the derivative by x of the sum of the values times ``incoming``.
    ``refuses`` says why a case makes no sense there, or nothing.
    """

    name: str
    packages: tuple[str, ...]
    answer: Callable[..., Any]
    refuses: Callable[[str, Case], str] = lambda what, case: ""
    means: str = "float64"  # what the mean of integers is
    heavy: bool = False  # compiles every row

    @property
    def apart(self) -> bool:
        """Whether it answers from a process of its own."""
        return isinstance(self.answer, Apart)

    def need(self) -> None:
        """Skip where a package is not installed; nothing is imported here."""
        for package in self.packages:
            if importlib.util.find_spec(package) is None:
                pytest.skip(f"{self.name}: {package} is not installed")


def asked(case: Case, seed: int = 0) -> tuple[np.ndarray, Any, Any, dict[str, Any]]:
    """The array, windows, reduction and axes of a case."""
    return case.data(seed), case.windows.build(), case.reduction.build(), {"axes": case.axes}


def incoming(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """The derivative that comes in: eighths, so that shares of it are exact."""
    return (np.random.default_rng(5).integers(-16, 17, shape) / 8).astype(dtype)


def seeded(case: Case, seed: int) -> np.ndarray:
    """Data for derivatives: no equals but for max and min, whose first is asked for."""
    x = case.data(seed)
    return x if case.reduction.name in ("max", "min") else (np.abs(x) + 1).astype(x.dtype)


# --- NumPy, and what speaks its language ---------------------------------------------------------


def numpy_answer(what: str, case: Case, **common: Any) -> Any:
    x, windows, reduce, axes = asked(case)
    if what == "pool":
        return ap.pool(x, windows, reduce, **axes, **common)
    if what == "indices":
        return ap.pool(x, windows, reduce, return_indices=True, **axes, **common)
    x = seeded(case, 1)
    y, pullback = ap.vjp(x, windows, reduce, **axes, **common)
    made = pullback(incoming(y.shape, x.dtype))
    return made[0] if isinstance(made, tuple) else made


def strict_answer(what: str, case: Case, away: bool = False, **common: Any) -> Any:
    """array-api-strict: in CPU memory, or ``away`` on a device that NumPy cannot read."""
    import array_api_strict as xp

    def given(a: np.ndarray) -> Any:
        return xp.asarray(a, device=xp.Device("device1") if away else xp.Device("CPU_DEVICE"))

    def home(a: Any) -> np.ndarray:
        return np.array(a._array)

    x, windows, reduce, axes = asked(case)
    common = {k: given(v) if isinstance(v, np.ndarray) else v for k, v in common.items()}
    kind, kept = type(given(x[:0])), None
    if away:  # no way for NumPy into the memory
        kept, kind.__dlpack_device__ = kind.__dlpack_device__, lambda self: (2, 0)
    try:
        if what == "gradient":
            x = seeded(case, 1)
            y, pullback = ap.vjp(given(x), windows, reduce, **axes, **common)
            made = pullback(given(incoming(tuple(y.shape), x.dtype)))
            return home(made[0] if isinstance(made, tuple) else made)
        y = ap.pool(given(x), windows, reduce, return_indices=what == "indices", **axes, **common)
        return tuple(map(home, y)) if isinstance(y, tuple) else home(y)
    finally:
        if kept is not None:
            kind.__dlpack_device__ = kept


def strict_refuses(what: str, case: Case) -> str:
    return "array-api-strict has no float16" if case.dtype == np.float16 else ""


# --- PyTorch -------------------------------------------------------------------------------------


def torch_answer(what: str, case: Case, **common: Any) -> Any:
    import torch

    x, windows, reduce, axes = asked(case)
    common = {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in common.items()}

    def pool(x: Any) -> Any:
        more = {"return_indices": True} if what == "indices" else {}
        return ap.pool(x, windows, reduce, **axes, **more, **common)

    if what == "gradient":
        leaf = torch.from_numpy(seeded(case, 1)).requires_grad_()
        y = pool(leaf)
        y.backward(torch.from_numpy(incoming(tuple(y.shape), case.dtype)))
        return leaf.grad.numpy()
    y = pool(torch.from_numpy(x))
    return tuple(a.numpy() for a in y) if isinstance(y, tuple) else y.numpy()


# --- JAX -----------------------------------------------------------------------------------------


def jax_answer(what: str, case: Case, jit: bool = False, **common: Any) -> Any:
    import jax
    import jax.numpy as jnp

    x, windows, reduce, axes = asked(case)

    def pool(x: Any) -> Any:
        more = {"return_indices": True} if what == "indices" else {}
        return ap.pool(x, windows, reduce, **axes, **more, **common)

    def slope(x: Any) -> Any:
        y, pullback = jax.vjp(pool, x)
        return pullback(jnp.asarray(incoming(y.shape, case.dtype)))[0]

    with jax.enable_x64(True):  # the widths of the other fronts
        run = slope if what == "gradient" else pool
        y = (jax.jit(run) if jit else run)(jnp.asarray(seeded(case, 1) if run is slope else x))
        return tuple(map(np.asarray, y)) if isinstance(y, tuple) else np.asarray(y)


# --- TensorFlow ----------------------------------------------------------------------------------


def tensorflow_answer(what: str, case: Case, graph: bool = False, **common: Any) -> Any:
    import tensorflow as tf

    x, windows, reduce, axes = asked(case)

    def pool(x: Any) -> Any:
        more = {"return_indices": True} if what == "indices" else {}
        return ap.pool(x, windows, reduce, **axes, **more, **common)

    def slope(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = pool(x)
        return tape.gradient(y, x, tf.constant(incoming(tuple(y.shape), case.dtype)))

    run = slope if what == "gradient" else pool
    given = tf.constant(seeded(case, 1) if run is slope else x)
    y = (tf.function(run) if graph else run)(given)
    return tuple(a.numpy() for a in y) if isinstance(y, tuple) else y.numpy()


# --- Keras: each backend in a process of its own -------------------------------------------------


def format_of(case: Case) -> str:
    """Keras's word for the layout of a case; "" where its axes are others."""
    rank = len(case.shape)
    layouts = {tuple(range(2, rank)): "channels_first", tuple(range(1, rank - 1)): "channels_last"}
    return layouts.get(case.axes, "")


def keras_refuses(what: str, case: Case) -> str:
    return "" if format_of(case) else "Keras pools the axes between batch and channels"


def keras_torch_refuses(what: str, case: Case) -> str:
    if case.dtype.name in ("uint16", "uint32", "uint64"):
        return "Keras makes other integers of them before anybody sees them"
    return keras_refuses(what, case)


def keras_answer(what: str, case: Case, **common: Any) -> Any:
    """Runs in a process whose backend is set."""
    import keras

    import anypool.keras as ak

    backend = keras.config.backend()
    x, windows, reduce, _ = asked(case)

    def pool(x: Any) -> Any:
        more = {"return_indices": True} if what == "indices" else {}
        return ak.ops.pool(x, windows, reduce, data_format=format_of(case), **more, **common)

    if what != "gradient":
        y = pool(keras.ops.convert_to_tensor(x))
        many = isinstance(y, tuple | list)
        return tuple(map(keras.ops.convert_to_numpy, y)) if many else keras.ops.convert_to_numpy(y)
    return _keras_slope(backend, pool, seeded(case, 1))


def _keras_slope(backend: str, pool: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    if backend == "torch":
        import torch

        leaf = torch.from_numpy(x).requires_grad_()
        y = pool(leaf)
        y.backward(torch.from_numpy(incoming(tuple(y.shape), x.dtype)))
        return leaf.grad.numpy()
    if backend == "jax":
        import jax

        y, pullback = jax.vjp(pool, jax.numpy.asarray(x))
        return np.asarray(pullback(jax.numpy.asarray(incoming(y.shape, x.dtype)))[0])
    import tensorflow as tf

    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        y = pool(given)
    return tape.gradient(y, given, tf.constant(incoming(tuple(y.shape), x.dtype))).numpy()


def _settle(backend: str) -> None:
    os.environ["KERAS_BACKEND"] = backend
    os.environ["JAX_ENABLE_X64"] = "1"


class Apart:
    """Keras on one backend, in a process that starts when it is first asked."""

    def __init__(self, backend: str) -> None:
        self.backend, self.process = backend, None

    def __call__(self, what: str, case: Case, **common: Any) -> Any:
        if self.process is None:
            self.process = ProcessPoolExecutor(1, get_context("spawn"), _settle, (self.backend,))
        return self.process.submit(keras_answer, what, case, **common).result(240)

    def close(self) -> None:
        if self.process is not None:
            self.process.shutdown()
            self.process = None


def _with(answer: Callable[..., Any], **fixed: Any) -> Callable[..., Any]:
    return lambda what, case, **common: answer(what, case, **fixed, **common)


FRONTS = {
    front.name: front
    for front in (
        Front("torch", ("torch",), torch_answer),
        Front("jax", ("jax",), jax_answer, heavy=True),
        Front("jax jit", ("jax",), _with(jax_answer, jit=True), heavy=True),
        Front("tensorflow", ("tensorflow",), tensorflow_answer),
        Front("tensorflow graph", ("tensorflow",), _with(tensorflow_answer, graph=True),
              heavy=True),
        Front("strict", ("array_api_strict",), strict_answer, strict_refuses),
        Front("strict device", ("array_api_strict",), _with(strict_answer, away=True),
              strict_refuses),
        Front("keras tensorflow", ("keras", "tensorflow"), Apart("tensorflow"), keras_refuses,
              "float32"),
        Front("keras jax", ("keras", "jax"), Apart("jax"), keras_refuses, "float32"),
        Front("keras torch", ("keras", "torch"), Apart("torch"), keras_torch_refuses, "float32"),
    )
}  # fmt: skip
