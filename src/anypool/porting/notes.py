"""What two frameworks do differently and no argument can say."""

from __future__ import annotations

from collections.abc import Iterator

from .facts import FRAMEWORKS, fact, words
from .names import Spelling
from .pooling import Pooling

LAYOUTS = {"first": "(N, C, ...)", "last": "(N, ..., C)"}


def between(row: Spelling, source: Pooling, target: str, made: Pooling) -> tuple[str, ...]:
    """The notes for one pooling on its way from ``row`` to ``target``, the weightier ones first."""
    home = row.framework
    found = [
        *_layout(home, source, target, made), *_stride(row, source, target),
        *_sizes(source, target), *_divisor(row, source, target),
    ]  # fmt: skip
    for kind in (_lp, _indices, _faults, _numbers, _ties):
        found += kind(home, source, target)
    return tuple(found)


def _layout(home: str, source: Pooling, target: str, made: Pooling) -> Iterator[str]:
    if source.channels == made.channels:
        return
    say = ', or say data_format="channels_first"' if target == "keras" else ""
    yield (
        f"{FRAMEWORKS[home]} reads {LAYOUTS[source.channels]}, {FRAMEWORKS[target]} "
        f"{LAYOUTS[made.channels]}: move the channels{say}"
    )


def _stride(row: Spelling, source: Pooling, target: str) -> Iterator[str]:
    own = {"stride", "strides", "window_strides"} & set(row.words)
    if source.windows != "sliding" or not own & source.left_out:
        return
    home = row.framework
    if fact(home, "stride") != fact(target, "stride"):
        yield (
            f"a stride left out: {words(home, 'stride')} in {FRAMEWORKS[home]}, "
            f"{words(target, 'stride')} in {FRAMEWORKS[target]}; it is written out here"
        )


def _sizes(source: Pooling, target: str) -> Iterator[str]:
    """Padding and ceil mode that were turned into numbers hold at one size only."""
    word = isinstance(source.padding, str)
    native = word and source.padding in fact(target, "padding")
    moves = any(s > 1 for s in source.stride)
    if word and moves and not native:
        if source.size is None:
            yield (
                f'padding "{source.padding}" depends on the size of the input: the code works it '
                "out at every call; give size= to have numbers"
            )
        else:
            yield f"the padding is right for size {source.size} only"
    if source.ceil and not fact(target, "ceil") and any(source.overhang or ()):
        yield f"what hangs over in ceil mode is right for size {source.size} only"


def _divisor(row: Spelling, source: Pooling, target: str) -> Iterator[str]:
    if source.reduce != "mean" or not source.padded or source.divisor is not None:
        return
    if fact(row.framework, "counts") == fact(target, "counts"):
        return
    does = "counts" if source.counts else "does not count"
    own = words(target, "counts")
    yield f"the average {does} padding in its divisor; {FRAMEWORKS[target]} {own}"


def _lp(home: str, source: Pooling, target: str) -> Iterator[str]:
    if source.reduce != "lp" or home == target:
        return
    if "torch" in (home, target):
        if source.p % 2 and home == "torch":
            yield "PyTorch takes no |x|: unless p is even, negative sums give NaN there only"
        if source.ceil:
            yield "PyTorch scales the partial windows of ceil mode as if they were full"


def _indices(home: str, source: Pooling, target: str) -> Iterator[str]:
    if source.indices and fact(home, "indices") != fact(target, "indices"):
        yield (
            f"indices: {words(home, 'indices')} in {FRAMEWORKS[home]}, "
            f"{words(target, 'indices')} in {FRAMEWORKS[target]}; anypool.indices_to_onnx and "
            "anypool.indices_to_tensorflow convert"
        )
    if source.windows == "fractional" and home != target:
        yield "PyTorch draws the places at every call; anypool by rng=, without it one fixed place"


def _faults(home: str, source: Pooling, target: str) -> Iterator[str]:
    """Known faults of releases."""
    if "keras" in (home, target) and home != target:
        if source.padding == "same" and source.reduce == "mean" and not source.counts:
            yield (
                'Keras up to 3.15.1 on PyTorch pads "same" averages of uneven sides by repeating '
                "the edge: other numbers there"
            )
        if source.windows == "adaptive" and 1 in source.output:
            yield "Keras 3.15.1's adaptive pooling to 1 fails on TensorFlow; Global* does the same"
    if target == "torch" and source.rank == 3 and source.reduce == "mean":
        yield "PyTorch on the CPU has no 3-D average of float16 and bfloat16"
    if target == "onnx" and source.reduce == "mean":
        yield "onnxruntime has no float64 average on the CPU"
    if target == "onnx" and source.rank > 3:
        yield "onnxruntime pools up to 3 axes"


def _numbers(home: str, source: Pooling, target: str) -> Iterator[str]:
    """NaN under max, half precision under averages."""
    rules = {"max": "nan", "min": "nan", "mean": "halves", "sum": "halves"}
    rule = rules.get(source.reduce)
    if rule is None or fact(home, rule) == fact(target, rule):
        return
    what = "NaN in a window" if rule == "nan" else "float16 averages"
    yield (
        f"{what}: {FRAMEWORKS[home]} {words(home, rule)}; {FRAMEWORKS[target]} "
        f"{words(target, rule)}"
    )


def _ties(home: str, source: Pooling, target: str) -> Iterator[str]:
    whole = source.windows == "whole" or set(source.output) == {1}
    if not whole or source.reduce != "max" or "none" in (fact(home, "ties"), fact(target, "ties")):
        return
    if fact(home, "ties") != fact(target, "ties"):
        yield (
            f"the gradient of equal maxima is {words(home, 'ties')} in {FRAMEWORKS[home]}, "
            f"{words(target, 'ties')} in {FRAMEWORKS[target]}"
        )
