"""A pooling in PyTorch's words."""

from __future__ import annotations

from typing import Any

from .pooling import Pooling
from .text import Dialect, Draft, as_int, call, function, padded, refuse, value

IMPORT = "import torch"
DIALECT = Dialect(
    "torch", "import torch\nimport torch.nn.functional as F", "F.pad", ", value={}",
    "torch.ones_like(x)", flat=True,
)  # fmt: skip
NAMES = {"max": "MaxPool", "mean": "AvgPool", "lp": "LPPool"}
FUNCTIONS = {"max": "max_pool", "mean": "avg_pool", "lp": "lp_pool"}
ADAPTIVE = {"max": "AdaptiveMaxPool", "mean": "AdaptiveAvgPool"}
OURS = "which takes PyTorch's tensors"


def write(pooling: Pooling) -> Draft:
    """The module that does it, or a function where padding has to come first."""
    return {
        "sliding": _sliding, "adaptive": _adaptive, "split": _split, "whole": _whole,
        "fractional": _fractional,
    }[pooling.windows](pooling)  # fmt: skip


def _sliding(pooling: Pooling) -> Draft:
    _check(pooling)
    rank, reduce = pooling.rank, pooling.reduce
    arguments: dict[str, Any] = {"norm_type": _whole_number(pooling.p)} if reduce == "lp" else {}
    arguments |= {"kernel_size": as_int(pooling.kernel), "stride": as_int(pooling.stride)}
    if pooling.dilated:
        arguments["dilation"] = as_int(pooling.dilation)
    if reduce == "sum":
        return _sum(pooling, arguments)
    name = f"{NAMES[reduce]}{rank}d"
    if _says(pooling):
        arguments |= _rest(pooling)
        if reduce == "lp" and pooling.p % 2 and not pooling.signed:
            made = call(f"F.lp_pool{rank}d", arguments, "x.abs()")
            return Draft(f"torch.nn.{name}", arguments, function(DIALECT.imports, [made]))
        return _module(name, arguments)
    if reduce == "lp":
        raise refuse("torch", "pads no Lp pooling", f"anypool.lp_pool, {OURS}")
    if pooling.divisor or pooling.indices:
        what = "divisor_override" if pooling.divisor else "return_indices"
        raise refuse("torch", f"takes no padding of different sides beside {what}",
                     f"anypool.{FUNCTIONS[reduce]}, {OURS}")  # fmt: skip
    name = f"{FUNCTIONS[reduce]}{rank}d"
    return Draft(f"torch.nn.functional.{name}", arguments,
                 padded(pooling, DIALECT, f"F.{name}", arguments))  # fmt: skip


def _check(pooling: Pooling) -> None:
    reduce = pooling.reduce
    if reduce == "min":
        raise refuse("torch", "has no min pooling", f"-MaxPool{pooling.rank}d of -x")
    if pooling.dilated and reduce != "max":
        raise refuse("torch", "dilates only max pooling", f"anypool.pool with dilation=, {OURS}")


def _says(pooling: Pooling) -> bool:
    """Whether the module itself can say the padding."""
    pads = pooling.pads
    if pads is None or any(b != a for b, a in pads):
        return False
    if pooling.reduce == "lp":
        return not pooling.padded or not any(b for b, _ in pads)
    return all(2 * b <= k for (b, _), k in zip(pads, pooling.kernel, strict=True))


def _rest(pooling: Pooling) -> dict[str, Any]:
    """What stands after kernel and stride, where it is not the default."""
    pads = [b for b, _ in pooling.pads or ()]
    found: dict[str, Any] = {"padding": as_int(pads)} if any(pads) else {}
    if pooling.ceil:
        found["ceil_mode"] = True
    if pooling.reduce == "mean" and not pooling.counts and any(pads):
        found["count_include_pad"] = False
    if pooling.divisor:
        found["divisor_override"] = pooling.divisor
    if pooling.indices:
        found["return_indices"] = True
    return found


def _sum(pooling: Pooling, arguments: dict[str, Any]) -> Draft:
    """Sums are averages that divide by 1, where PyTorch lets one say so."""
    ours = f"anypool.sum_pool, {OURS}"
    if pooling.rank == 1:
        raise refuse("torch", "has no sum pooling in 1-D", f"AvgPool1d times the kernel, or {ours}")
    if not _says(pooling):
        raise refuse("torch", "sums no windows with this padding", ours)
    return _module(f"AvgPool{pooling.rank}d", arguments | _rest(pooling) | {"divisor_override": 1})


def _module(name: str, arguments: dict[str, Any], notes: tuple[str, ...] = ()) -> Draft:
    made = call(f"torch.nn.{name}", arguments, indent=0)
    return Draft(f"torch.nn.{name}", arguments, value(IMPORT, made), notes)


def _adaptive(pooling: Pooling) -> Draft:
    arguments: dict[str, Any] = {"output_size": as_int(pooling.output)}
    if pooling.indices:
        arguments["return_indices"] = True
    return _module(f"{ADAPTIVE[pooling.reduce]}{pooling.rank}d", arguments)


def _split(pooling: Pooling) -> Draft:
    """Disjoint windows are PyTorch's where the sizes divide."""
    if divides(pooling):
        note = "disjoint windows are PyTorch's only at sizes that divide, as this one does"
        return _adaptive(pooling)._replace(notes=(note,))
    raise refuse("torch", "has no disjoint adaptive windows", "Adaptive*Pool, whose windows "
                 f'overlap, or anypool.adaptive_avg_pool(rule="split"), {OURS}')  # fmt: skip


def divides(pooling: Pooling) -> bool:
    """Whether the output divides a known size along every axis."""
    if pooling.size is None:
        return all(m in (1, None) for m in pooling.output)
    rows = zip(pooling.size, pooling.output, strict=True)
    return all(m is None or n % m == 0 for n, m in rows)


def _whole(pooling: Pooling) -> Draft:
    if pooling.reduce == "lp":
        raise refuse("torch", "has no global Lp pooling", "torch.linalg.vector_norm over the axes")
    name = f"{ADAPTIVE[pooling.reduce]}{pooling.rank}d"
    if pooling.keepdims:
        return _module(name, {"output_size": 1})
    made = call(f"torch.nn.functional.adaptive_{FUNCTIONS[pooling.reduce]}{pooling.rank}d",
                {"output_size": 1}, "x")  # fmt: skip
    return Draft(f"torch.nn.{name}", {"output_size": 1}, function(IMPORT, [f"{made}.flatten(1)"]))


def _fractional(pooling: Pooling) -> Draft:
    size: dict[str, Any] = {"output_size": as_int(pooling.output)}
    if pooling.ratio:
        size = {"output_ratio": pooling.ratio}
    return _module(f"FractionalMaxPool{pooling.rank}d",
                   {"kernel_size": as_int(pooling.kernel)} | size)  # fmt: skip


def _whole_number(p: float) -> Any:
    return int(p) if p == int(p) else p
