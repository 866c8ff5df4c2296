"""Other frameworks' poolings as functions from array to array: what the porting tests compare."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

PACKAGES = {
    "torch": ["torch"],
    "keras": ["tensorflow", "keras"],
    "tensorflow": ["tensorflow"],
    "jax": ["jax"],
    "flax": ["jax", "flax.linen"],
    "onnx": ["onnx", "onnxruntime"],
    "anypool": [],
}


def need(*frameworks: str) -> None:
    """Skip where a framework is not installed."""
    for framework in frameworks:
        for package in PACKAGES[framework]:
            pytest.importorskip(package, reason=f"{package} is not installed")


def namespace(framework: str) -> dict[str, Any]:
    """The names that code of a framework is usually written with."""
    import anypool as ap

    names: dict[str, Any] = {"ap": ap, "np": np}
    if framework == "torch":
        import torch

        names |= {"torch": torch, "nn": torch.nn, "F": torch.nn.functional}
    elif framework == "keras":
        import keras

        names |= {"keras": keras}
    elif framework == "tensorflow":
        import tensorflow as tf

        names |= {"tf": tf}
    elif framework in ("jax", "flax"):
        import jax.numpy as jnp
        from jax import lax

        names |= {"jnp": jnp, "lax": lax}
    if framework == "flax":
        import flax.linen as nn

        names |= {"nn": nn}
    return names


def run_code(framework: str, code: str) -> Callable[[np.ndarray], np.ndarray]:
    """Text that defines ``pool`` (or ``node``) as a function from array to array."""
    names = namespace(framework)
    exec(code, names)
    if framework == "onnx":
        return run_node(names["node"])
    return on_arrays(framework, names["pool"])


def run_text(framework: str, text: str) -> Callable[[np.ndarray], np.ndarray]:
    """A call in words as its framework itself runs it: a layer, or a function of ``x``."""
    if framework == "onnx":
        name, _, rest = text.partition("(")
        return run_code(
            "onnx", f'import onnx\nnode = onnx.helper.make_node("{name}", ["x"], ["y"], {rest}'
        )
    layer = "Pool" in text
    names = namespace(framework)
    pool = eval(text if layer else f"lambda x: {text}", names)
    return on_arrays(framework, pool)


def on_arrays(framework: str, pool: Callable[[Any], Any]) -> Callable[[np.ndarray], np.ndarray]:
    """A framework's function as one from array to array."""
    if framework == "torch":
        import torch

        return lambda x: pool(torch.from_numpy(x)).numpy()
    if framework in ("jax", "flax"):
        import jax.numpy as jnp

        return lambda x: np.asarray(pool(jnp.asarray(x)))
    if framework == "keras":
        import keras

        return lambda x: keras.ops.convert_to_numpy(pool(keras.ops.convert_to_tensor(x)))
    if framework == "tensorflow":
        import tensorflow as tf

        return lambda x: pool(tf.convert_to_tensor(x)).numpy()
    return lambda x: np.asarray(pool(x))


def run_node(node: Any) -> Callable[[np.ndarray], np.ndarray]:
    """One node of a graph, run by onnxruntime."""
    import onnx
    import onnxruntime

    def run(x: np.ndarray) -> np.ndarray:
        kind = onnx.helper.np_dtype_to_tensor_dtype(x.dtype)
        ends = [onnx.helper.make_tensor_value_info(name, kind, None) for name in "xy"]
        graph = onnx.helper.make_graph([node], "pooling", ends[:1], ends[1:])
        opset = onnx.helper.make_opsetid("", 22)
        model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=10)
        session = onnxruntime.InferenceSession(model.SerializeToString())
        return session.run(["y"], {"x": x})[0]

    return run


def moved(x: np.ndarray, before: str, after: str) -> np.ndarray:
    """An array of channels ``before`` ("first" or "last") as one of channels ``after``."""
    if before == after or x.ndim < 3:
        return x
    moves = {"first": (1, -1), "last": (-1, 1)}
    return np.ascontiguousarray(np.moveaxis(x, *moves[before]))
