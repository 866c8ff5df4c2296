"""A pooling in Keras's and in TensorFlow's words."""

from __future__ import annotations

from typing import Any

from .pooling import Pooling
from .text import Dialect, Draft, as_int, call, function, padded, refuse, value
from .to_torch import divides

KERAS = Dialect(
    "keras", "import keras", "keras.ops.pad", ", constant_values={}", "keras.ops.ones_like(x)",
)  # fmt: skip
TF = Dialect(
    "tensorflow", "import tensorflow as tf", "tf.pad", ", constant_values={}", "tf.ones_like(x)",
)  # fmt: skip
WORD = {"max": "Max", "mean": "Average"}
SHORT = {"max": "max", "mean": "avg"}
FORMATS = {1: "NCW", 2: "NCHW", 3: "NCDHW"}
OURS = {"keras": "anypool.keras has it", "tensorflow": "anypool takes TensorFlow's tensors"}


def keras(pooling: Pooling) -> Draft:
    """The layer that does it, or a function of keras.ops where padding has to come first."""
    _check(pooling, "keras")
    rank, word = pooling.rank, WORD[pooling.reduce]
    layout = {"data_format": "channels_first"} if pooling.channels == "first" else {}
    if pooling.windows == "whole":
        keep: dict[str, Any] = {"keepdims": True} if pooling.keepdims else {}
        return _layer(f"Global{word}Pooling{rank}D", layout | keep)
    if pooling.windows != "sliding":
        return _layer(f"Adaptive{word}Pooling{rank}D", {"output_size": _sizes(pooling)} | layout)
    sides = {"pool_size": as_int(pooling.kernel), "strides": as_int(pooling.stride)}
    if (how := _word(pooling)) is not None:
        more = {"padding": how} if how != "valid" else {}
        return _layer(f"{word}Pooling{rank}D", sides | more | layout)
    name = f"keras.ops.{'max' if word == 'Max' else 'average'}_pool"
    arguments = {
        "pool_size": pooling.kernel, "strides": pooling.stride, "padding": "valid",
        "data_format": f"channels_{pooling.channels}",
    }  # fmt: skip
    return Draft(name, arguments, padded(pooling, KERAS, name, arguments))


def _layer(name: str, arguments: dict[str, Any]) -> Draft:
    made = call(f"keras.layers.{name}", arguments, indent=0)
    return Draft(f"keras.layers.{name}", arguments, value("import keras", made))


def _sizes(pooling: Pooling) -> Any:
    """The output size; Keras takes no None."""
    if None not in pooling.output:
        return as_int(pooling.output)
    if pooling.size is None:
        raise refuse("keras", "takes no None in output_size", "the axis's own size: give size=")
    rows = zip(pooling.output, pooling.size, strict=True)
    return as_int([n if m is None else m for m, n in rows])


def _word(pooling: Pooling) -> str | None:
    """The framework's own word for the padding; None where it has none."""
    if pooling.ceil and (pooling.overhang is None or any(pooling.overhang)):
        return None
    uncounted = pooling.reduce == "max" or not pooling.counts
    if not pooling.padded or (pooling.pads is not None and not any(map(any, pooling.pads))):
        return "valid"
    return "same" if uncounted and same_as_word(pooling) else None


def same_as_word(pooling: Pooling) -> bool:
    """Whether the padding is "same": by its word, or at every size (stride 1)."""
    if pooling.padding == "same":
        return True
    if isinstance(pooling.padding, str) or any(s > 1 for s in pooling.stride):
        return False
    rows = zip(pooling.reach, pooling.padding, strict=True)
    return all((b, a) == ((r - 1) // 2, r // 2) for r, (b, a) in rows)


def _check(pooling: Pooling, target: str) -> None:
    """What neither of the two has."""
    reduce, ours = pooling.reduce, OURS[target]
    if reduce == "min":
        raise refuse(target, "has no min pooling", f"max pooling of -x, negated; {ours}")
    if reduce not in WORD:
        raise refuse(target, f"has no {reduce} pooling", f"average pooling, scaled; {ours}")
    if pooling.divisor:
        raise refuse(target, "has no divisor_override", "average pooling times the kernel's "
                     f"elements over {pooling.divisor}; {ours}")  # fmt: skip
    if pooling.windows == "fractional":
        raise refuse(target, "draws fractional windows by another rule, or not at all", ours)
    if pooling.windows == "split" and not divides(pooling):
        raise refuse(target, "has no disjoint adaptive windows", f"adaptive ones; {ours}")
    if target == "keras" and (pooling.dilated or pooling.indices):
        what = "dilation" if pooling.dilated else "indices"
        raise refuse(target, f"has no {what} in pooling", f"pooling without; {ours}")


# -- TensorFlow ---------------------------------------------------------------------------------


def tensorflow(pooling: Pooling) -> Draft:
    """A function of tf.nn, or of tf where everything is pooled."""
    _check(pooling, "tensorflow")
    if pooling.windows == "whole" or set(pooling.output) == {1}:
        return _reduced(pooling)
    if pooling.windows != "sliding":
        return tensorflow(as_sliding(pooling, "tensorflow", OURS["tensorflow"]))
    if pooling.dilated or pooling.indices:
        return _special(pooling)
    name = f"tf.nn.{SHORT[pooling.reduce]}_pool{pooling.rank}d"
    arguments: dict[str, Any] = {
        "ksize": as_int(pooling.kernel), "strides": as_int(pooling.stride),
        "padding": _tf_padding(pooling) or "VALID",
    }  # fmt: skip
    if pooling.channels == "first":
        arguments["data_format"] = FORMATS[pooling.rank]
    if _tf_padding(pooling) is None:
        return Draft(name, arguments, padded(pooling, TF, name, arguments))
    return Draft(name, arguments, function(TF.imports, [call(name, arguments, "x")]))


def as_sliding(pooling: Pooling, target: str, ours: str) -> Pooling:
    """Adaptive windows as sliding ones, which they are where the sizes divide."""
    if pooling.size is None or not divides(pooling):
        raise refuse(target, "has no adaptive windows", "sliding ones where output_size divides "
                     f"the size (give size= to have them); {ours}")  # fmt: skip
    rows = zip(pooling.size, pooling.output, strict=True)
    kernel = tuple(1 if m is None else n // m for n, m in rows)
    return Pooling("sliding", pooling.reduce, pooling.rank, kernel, kernel,
                   ((0, 0),) * pooling.rank, (1,) * pooling.rank, channels=pooling.channels,
                   size=pooling.size, indices=pooling.indices)  # fmt: skip


def _tf_padding(pooling: Pooling) -> Any:
    """TensorFlow's own word for the padding, or its pairs for max; None where it has neither."""
    word = _word(pooling)
    if word is not None:
        return word.upper()
    pads, overhang = pooling.pads, pooling.overhang
    if pooling.reduce != "max" or pooling.rank > 2 or pads is None or overhang is None:
        return None
    if pooling.channels == "first":  # its CPU kernels refuse pairs there
        return None
    every = [[b, a + o] for (b, a), o in zip(pads, overhang, strict=True)]
    if any(max(pair) >= k for pair, k in zip(every, pooling.kernel, strict=True)):
        return None
    return [[0, 0], *every, [0, 0]]


def _special(pooling: Pooling) -> Draft:
    """Dilation and indices, each with a function of its own."""
    ours, word = OURS["tensorflow"], _word(pooling)
    if pooling.indices:
        if pooling.rank != 2 or pooling.dilated or word is None or pooling.channels == "first":
            raise refuse("tensorflow", "has indices only for 2-D max pooling of NHWC with SAME or "
                         "VALID padding", f"max pooling without indices; {ours}")  # fmt: skip
        arguments = {"ksize": as_int(pooling.kernel), "strides": as_int(pooling.stride),
                     "padding": word.upper()}  # fmt: skip
        name = "tf.nn.max_pool_with_argmax"
    else:
        if any(s > 1 for s in pooling.stride) or word != "valid":
            raise refuse("tensorflow", "dilates only with stride 1 and without padding", ours)
        name = "tf.nn.pool"
        arguments = {"window_shape": pooling.kernel,
                     "pooling_type": {"max": "MAX", "mean": "AVG"}[pooling.reduce],
                     "dilations": pooling.dilation}  # fmt: skip
        if pooling.channels == "first":
            arguments["data_format"] = FORMATS[pooling.rank]
    return Draft(name, arguments, function(TF.imports, [call(name, arguments, "x")]))


def _reduced(pooling: Pooling) -> Draft:
    name = f"tf.reduce_{pooling.reduce}"
    first = 2 if pooling.channels == "first" else 1
    arguments = {"axis": tuple(range(first, first + pooling.rank)), "keepdims": pooling.keepdims}
    return Draft(name, arguments, function(TF.imports, [call(name, arguments, "x")]))
