"""A pooling as a node of an ONNX graph, and in anypool's own words."""

from __future__ import annotations

from typing import Any

from .pooling import Pooling
from .text import Draft, call, function, refuse
from .to_keras import as_sliding

OURS = "anypool.torch exports it, at every size"
NAMES = {"max": "MaxPool", "mean": "AveragePool", "lp": "LpPool"}
GLOBALS = {"max": "GlobalMaxPool", "mean": "GlobalAveragePool", "lp": "GlobalLpPool"}


def onnx(pooling: Pooling) -> Draft:
    """One node from x to y (and to the indices)."""
    _check(pooling)
    if pooling.windows == "whole" or set(pooling.output) == {1}:
        return _node(GLOBALS[pooling.reduce], {}, pooling)
    if pooling.windows != "sliding":
        return onnx(as_sliding(pooling, "onnx", OURS))
    arguments: dict[str, Any] = {
        "kernel_shape": list(pooling.kernel), "strides": list(pooling.stride),
    }  # fmt: skip
    if isinstance(pooling.padding, str):
        arguments["auto_pad"] = {"same": "SAME_UPPER", "same_lower": "SAME_LOWER"}[pooling.padding]
    elif pooling.padded:
        starts, ends = zip(*pooling.padding, strict=True)
        arguments["pads"] = [*starts, *ends]
    if pooling.dilated:
        arguments["dilations"] = list(pooling.dilation)
    if pooling.ceil:
        arguments["ceil_mode"] = 1
    if pooling.reduce == "mean" and pooling.counts and pooling.padded:
        arguments["count_include_pad"] = 1
    if pooling.reduce == "lp":
        arguments["p"] = int(pooling.p)
    return _node(NAMES[pooling.reduce], arguments, pooling)


def _check(pooling: Pooling) -> None:
    reduce = pooling.reduce
    if pooling.windows == "fractional":
        raise refuse("onnx", "has no fractional windows", "MaxPool")
    if reduce not in NAMES:
        what = {"min": "MaxPool of -x, negated", "sum": "AveragePool times the kernel's elements"}
        raise refuse("onnx", f"has no {reduce} pooling", what[reduce])
    if pooling.divisor:
        raise refuse("onnx", "has no divisor_override", "AveragePool times the kernel's elements "
                     f"over {pooling.divisor}")  # fmt: skip
    if reduce == "lp" and pooling.p != int(pooling.p):
        raise refuse("onnx", f"has no LpPool of p={pooling.p:g}", "p in whole numbers")
    pads = pooling.padding if not isinstance(pooling.padding, str) else ()
    if any(max(pair) >= k for pair, k in zip(pads, pooling.kernel, strict=False)):
        raise refuse("onnx", "takes only padding below the kernel (onnxruntime refuses more)",
                     "a Pad node before a pooling without padding")  # fmt: skip
    if not pooling.keepdims:
        raise refuse("onnx", "keeps the pooled axes", f"{GLOBALS[reduce]} and a Flatten node")


def _node(name: str, arguments: dict[str, Any], pooling: Pooling) -> Draft:
    outputs = '["y", "indices"]' if pooling.indices else '["y"]'
    made = call("onnx.helper.make_node", arguments, f'"{name}", ["x"], {outputs}', indent=0)
    return Draft(name, arguments, f"import onnx\n\nnode = {made}\n")


# -- anypool ------------------------------------------------------------------------------------

SLIDING = {"max": "max_pool", "min": "min_pool", "mean": "avg_pool", "sum": "sum_pool",
           "lp": "lp_pool"}  # fmt: skip
SHORT = {"max": "max", "mean": "avg"}


def anypool(pooling: Pooling) -> Draft:
    """anypool's own function, on the arrays of any framework."""
    if pooling.windows == "whole":
        return _global(pooling)
    axes: dict[str, Any] = {"axes": "channels_last"} if pooling.channels == "last" else {}
    if pooling.windows == "fractional":
        size = {"output_ratio": pooling.ratio} if pooling.ratio else {"output_size": pooling.output}
        return _function("fractional_max_pool", {"kernel_size": pooling.kernel} | size | axes)
    if pooling.windows != "sliding":
        rule = {"rule": "split"} if pooling.windows == "split" else {}
        more = {"return_indices": True} if pooling.indices else {}
        arguments = {"output_size": pooling.output} | rule | axes | more
        return _function(f"adaptive_{SHORT[pooling.reduce]}_pool", arguments)
    arguments: dict[str, Any] = {"norm_type": pooling.p} if pooling.reduce == "lp" else {}
    arguments |= {"kernel_size": pooling.kernel, "stride": pooling.stride}
    if pooling.padded:
        even = not isinstance(pooling.padding, str) and all(b == a for b, a in pooling.padding)
        arguments["padding"] = tuple(b for b, _ in pooling.padding) if even else pooling.padding
    return _function(SLIDING[pooling.reduce], arguments | _rest(pooling) | axes)


def _rest(pooling: Pooling) -> dict[str, Any]:
    found: dict[str, Any] = {"dilation": pooling.dilation} if pooling.dilated else {}
    if pooling.ceil:
        found["ceil_mode"] = True
    own = not isinstance(pooling.padding, str)  # what anypool counts where nothing is said
    if pooling.reduce == "mean" and pooling.padded and pooling.counts != own:
        found["count_include_pad"] = pooling.counts
    if pooling.divisor is not None:
        found["divisor_override"] = pooling.divisor
    if pooling.indices:
        found["return_indices"] = True
    return found


def _global(pooling: Pooling) -> Draft:
    first = 2 if pooling.channels == "first" else 1
    arguments: dict[str, Any] = {"axes": tuple(range(first, first + pooling.rank))}
    if not pooling.keepdims:
        arguments["keepdims"] = False
    if pooling.reduce in SHORT:
        return _function(f"global_{SHORT[pooling.reduce]}_pool", arguments)
    return _function("global_pool", arguments | {"reduce": pooling.reduce})


def _function(name: str, arguments: dict[str, Any]) -> Draft:
    code = function("import anypool as ap", [call(f"ap.{name}", arguments, "x")])
    return Draft(f"anypool.{name}", arguments, code)
