"""What each framework's poolings do, rule by rule: the table that porting reads.

Every row was found by running the framework (PyTorch 2.13, Keras 3.15.1, TensorFlow 2.21,
JAX 0.10.2, Flax 0.12.8, ONNX opset 22 in onnxruntime 1.31.1); tests/test_porting_facts.py runs
them again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

FRAMEWORKS = {
    "torch": "PyTorch", "keras": "Keras", "tensorflow": "TensorFlow", "jax": "JAX",
    "flax": "Flax", "onnx": "ONNX", "anypool": "anypool",
}  # fmt: skip


class Fact(NamedTuple):
    """One rule of one framework: a value for the program, words for the reader."""

    framework: str
    rule: str
    value: Any
    words: str


def _rows(rule: str, **facts: tuple[Any, str]) -> list[Fact]:
    return [Fact(name, rule, value, words) for name, (value, words) in facts.items()]


FACTS = [
    # what a stride left out means
    *_rows(
        "stride",
        torch=("kernel", "the kernel"),
        keras=("kernel", "the kernel"),
        tensorflow=("required", "an error (1 in tf.nn.pool)"),
        jax=("ones", "1"),
        flax=("ones", "1"),
        onnx=("ones", "1"),
        anypool=("kernel", "the kernel"),
    ),
    # forms of padding
    *_rows(
        "padding",
        torch=({"even"}, "one number an axis, at most half the kernel, the same on both sides"),
        keras=({"valid", "same"}, '"valid" or "same"'),
        tensorflow=({"valid", "same"}, '"VALID" or "SAME"; pairs for max_pool1d and max_pool2d'),
        jax=({"valid", "same", "same_lower", "pairs"}, '"VALID", "SAME", "SAME_LOWER" or pairs'),
        flax=({"valid", "same", "same_lower", "pairs"}, '"VALID", "SAME", "SAME_LOWER" or pairs'),
        onnx=({"valid", "same", "same_lower", "pairs"}, "pads or auto_pad, below the kernel"),
        anypool=({"valid", "same", "same_lower", "pairs"}, "any number, pairs or words"),
    ),
    # reductions whose windows can be dilated
    *_rows(
        "dilation",
        torch=({"max"}, "max only"),
        keras=(set(), "none"),
        tensorflow=({"max", "mean"}, "tf.nn.pool only, with stride 1 and without padding"),
        jax=({"max", "min", "mean", "sum", "lp"}, "all"),
        flax=(set(), "none"),
        onnx=({"max", "mean", "lp"}, "all"),
        anypool=({"max", "min", "mean", "sum", "lp"}, "all"),
    ),
    # windows that hang over the end
    *_rows(
        "ceil",
        torch=(True, "ceil_mode"),
        keras=(False, "none"),
        tensorflow=(False, "none"),
        jax=(False, "none"),
        flax=(False, "none"),
        onnx=(True, "ceil_mode, PyTorch's rule"),
        anypool=(True, "ceil_mode, PyTorch's rule"),
    ),
    # whether a mean counts padding where nothing is said
    *_rows(
        "counts",
        torch=(True, "counts padding unless count_include_pad=False"),
        keras=(False, "never counts padding"),
        tensorflow=(False, "never counts padding"),
        jax=(False, "adds up only; the division is yours"),
        flax=(True, 'counts padding, that of "SAME" too, unless count_include_pad=False'),
        onnx=(False, "counts no padding unless count_include_pad=1"),
        anypool=(None, 'counts explicit padding, not that of "same"; count_include_pad= says'),
    ),
    # who can choose that
    *_rows(
        "counting",
        torch=(True, "count_include_pad"),
        keras=(False, "no argument"),
        tensorflow=(False, "no argument"),
        jax=(True, "yours"),
        flax=(True, "count_include_pad"),
        onnx=(True, "count_include_pad"),
        anypool=(True, "count_include_pad"),
    ),
    # adaptive windows
    *_rows(
        "adaptive",
        torch=({"adaptive"}, "overlapping windows, floor and ceil"),
        keras=({"adaptive"}, "PyTorch's windows; no None; size 1 ends the process on TensorFlow"),
        tensorflow=(set(), "none"),
        jax=(set(), "none"),
        flax=(set(), "none"),
        onnx=(set(), "Global* only"),
        anypool=({"adaptive", "split"}, 'PyTorch\'s windows, or disjoint ones (rule="split")'),
    ),
    # reductions there are
    *_rows(
        "reduces",
        torch=({"max", "mean", "lp"}, "max, average, Lp"),
        keras=({"max", "mean"}, "max, average"),
        tensorflow=({"max", "mean"}, "max, average"),
        jax=({"max", "min", "sum", "mean", "lp"}, "what reduce_window adds up"),
        flax=({"max", "mean"}, "max, average (min in nnx)"),
        onnx=({"max", "mean", "lp"}, "max, average, Lp"),
        anypool=({"max", "min", "mean", "sum", "lp"}, "seventeen, and your own"),
    ),
    # where the channels stand, and whether that can be said
    *_rows(
        "channels",
        torch=("first", "after the batch"),
        keras=("last", "last; data_format says"),
        tensorflow=("last", "last; data_format says"),
        jax=("any", "where you write the ones"),
        flax=("last", "last"),
        onnx=("first", "after the batch"),
        anypool=("any", "where axes= says"),
    ),
    # NaN in a window of max
    *_rows(
        "nan",
        torch=("kept", "gives NaN"),
        keras=("backend", "does as its backend (TensorFlow drops it)"),
        tensorflow=("dropped", "drops it (nothing else: -3.4e38)"),
        jax=("kept", "gives NaN"),
        flax=("kept", "gives NaN"),
        onnx=("depends", "keeps or drops it by where it stands (onnxruntime)"),
        anypool=("kept", 'gives NaN (nan="skip" and "raise" do otherwise)'),
    ),
    # what float16 averages are added up in
    *_rows(
        "halves",
        torch=("float32", "adds up in float32 (adaptive_avg_pool3d in float16 itself)"),
        keras=("backend", "does as its backend (TensorFlow and JAX: float16 itself)"),
        tensorflow=("half", "adds up in float16 itself (4096 times 60: inf)"),
        jax=("half", "adds up in float16 itself (4096 times 60: inf)"),
        flax=("half", "adds up in float16 itself (4096 times 60: inf)"),
        onnx=("float32", "adds up in float32"),
        anypool=("float32", "adds up in float32"),
    ),
    # whose gradient it is where maxima are equal, when everything is pooled
    *_rows(
        "ties",
        torch=("first", "all to the first"),
        keras=("even", "shared evenly by Global*"),
        tensorflow=("even", "shared evenly by reduce_max"),
        jax=("even", "shared evenly by jnp.max"),
        flax=("even", "shared evenly by jnp.max"),
        onnx=("none", "no gradients"),
        anypool=("first", 'all to the first (ties="split" shares)'),
    ),
    # max with its places
    *_rows(
        "indices",
        torch=("plane", "flat over the pooled axes"),
        keras=(None, "none"),
        tensorflow=("channels", "channels counted in (max_pool_with_argmax, 2-D)"),
        jax=(None, "none"),
        flax=(None, "none"),
        onnx=("tensor", "flat over the whole tensor"),
        anypool=("plane", "flat over the pooled axes; indices_to_onnx, indices_to_tensorflow"),
    ),
]
_KNOWN = {(fact.framework, fact.rule): fact for fact in FACTS}
RULES = tuple(dict.fromkeys(fact.rule for fact in FACTS))


def fact(framework: str, rule: str) -> Any:
    """The value of a rule in a framework."""
    return _KNOWN[framework, rule].value


def words(framework: str, rule: str) -> str:
    """The same for a reader."""
    return _KNOWN[framework, rule].words


TITLES = {
    "stride": "a stride left out is",
    "padding": "padding",
    "dilation": "dilation of",
    "ceil": "windows over the end",
    "counts": "an average",
    "adaptive": "adaptive windows",
    "reduces": "reductions",
    "channels": "channels stand",
    "nan": "NaN under max",
    "halves": "a float16 average",
    "ties": "equal maxima, all pooled",
    "indices": "indices of max",
}


def table(*frameworks: str) -> str:
    """The rules of these frameworks side by side, as a Markdown table.

    >>> print(table("torch", "flax").splitlines()[2])
    | a stride left out is | the kernel | 1 |
    """
    names = frameworks or tuple(FRAMEWORKS)
    head = "| | " + " | ".join(FRAMEWORKS[n] for n in names) + " |"
    rows = [
        "| " + " | ".join([title, *(words(n, rule) for n in names)]) + " |"
        for rule, title in TITLES.items()
    ]
    return "\n".join([head, "|---" * (len(names) + 1) + "|", *rows])
