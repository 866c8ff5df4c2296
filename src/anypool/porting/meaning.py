"""What the arguments of a framework mean: a :class:`Pooling`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..errors import PoolError
from ..windows.rules import each, integer, pairs_of
from . import facts
from .names import Spelling
from .pooling import Pairs, Pooling


class Reader(NamedTuple):
    """What reading one argument needs to know of the others."""

    rank: int
    channels: str

    def numbers(self, value: Any, what: str, least: int = 1) -> tuple[int, ...]:
        """One number for each pooled axis, from one number or several."""
        return each(_listed(value), what, self.rank, least)

    def inner(self, value: Any, what: str, least: int = 1) -> tuple[int, ...]:
        """The same where batch and channels may have numbers too, which must be 1."""
        values = _listed(value)
        if isinstance(values, list) and len(values) == self.rank + 2:
            channel = values[-1] if self.channels == "last" else values[1]
            if (values[0], channel) != (1, 1):
                raise PoolError(f"{what} is {value!r}; only the axes between batch and channels "
                                "can be pooled")  # fmt: skip
            values = values[1:-1] if self.channels == "last" else values[2:]
        return self.numbers(values, what, least)

    def sides(self, value: Any) -> Pairs | str:
        """Padding in any form: a word, numbers, pairs, or pairs of every axis."""
        if isinstance(value, str):
            word = {"SAME_UPPER": "same", "NOTSET": "valid"}.get(value.upper(), value.lower())
            return pairs_of(word, self.rank)
        value = _listed(value)
        if isinstance(value, list) and len(value) == self.rank + 2:
            value = value[1:-1] if self.channels == "last" else value[2:]
        return pairs_of(value, self.rank)


def _listed(value: Any) -> Any:
    """Tuples, and a framework's own lists, as lists."""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        return value
    return [_listed(v) for v in value]


def understand(
    row: Spelling, given: dict[str, Any], rank: int | None, size: Any
) -> Pooling:  # fmt: skip
    """The meaning of a spelling and its arguments."""
    size = tuple(size) if isinstance(size, Sequence) else size
    found = _rank(row, given, rank, size)
    reader = Reader(found, _channels(row, given, found))
    fields: dict[str, Any] = {
        "windows": row.windows, "reduce": row.reduce, "rank": found, "channels": reader.channels,
        "size": None if size is None else each(size, "size", found, 1),
        "left_out": frozenset(row.words) - given.keys(),
    }  # fmt: skip
    _KINDS[row.windows](row, given, reader, fields)
    fields["indices"] = bool(given.get("return_indices")) or row.name == "max_pool_with_argmax"
    return _checked(Pooling(**fields), row)


def _checked(pooling: Pooling, row: Spelling) -> Pooling:
    """What the source itself would refuse is an error, not a port."""
    if pooling.windows != "sliding":
        return pooling
    if row.framework == "torch":
        _check_torch(pooling, row)
    rows = zip(pooling.slides, pooling.size or (), strict=False)
    for axis, (rule, n) in enumerate(rows):
        if rule.outputs(n) < 1:
            raise PoolError(
                f"{row.name}'s window of {rule.reach} does not fit size {n} of axis {axis}; give a "
                "larger size="
            )
    return pooling


def _check_torch(pooling: Pooling, row: Spelling) -> None:
    if isinstance(pooling.padding, str):
        raise PoolError(f'{row.name} of PyTorch takes no padding "{pooling.padding}"; give numbers')
    for (b, _), k in zip(pooling.padding, pooling.kernel, strict=True):
        if 2 * b > k:
            raise PoolError(f"{row.name} of PyTorch takes padding of at most half of its kernel "
                            f"{k}, not {b}")  # fmt: skip


# -- rank and layout ----------------------------------------------------------------------------

_LENGTHS = ("kernel_size", "pool_size", "window_shape", "kernel_shape", "output_size", "ksize",
            "window_dimensions", "strides", "stride")  # fmt: skip


def _rank(row: Spelling, given: dict[str, Any], rank: int | None, size: Any) -> int:
    if row.rank is not None:
        return _agreed(row.rank, rank, row.name)
    if rank is not None:
        return integer(rank, "rank", 1)
    if isinstance(size, tuple):
        return len(size)
    for word in _LENGTHS:
        value = given.get(word)
        if isinstance(value, Sequence) and not isinstance(value, str):
            return _length(row.framework, word, value)
    raise PoolError(f"{row.name} does not tell how many axes it pools; say rank=2, or size=")


def _length(framework: str, word: str, value: Sequence[Any]) -> int:
    """The rank that an argument's length tells; some speak of batch and channels too."""
    whole = framework == "tensorflow" and word != "window_shape" and len(value) > 3
    return len(value) - 2 * (word == "window_dimensions" or whole)


def _agreed(own: int, rank: int | None, name: str) -> int:
    if rank is not None and rank != own:
        raise PoolError(f"{name} pools {own} axes, but rank is {rank}; leave rank out")
    return own


def _channels(row: Spelling, given: dict[str, Any], rank: int) -> str:
    word = given.get("data_format")
    if row.framework in ("keras", "tensorflow"):
        firsts = ("channels_first", "NCW", "NCHW", "NCDHW")
        lasts = ("channels_last", "NWC", "NHWC", "NDHWC", None)
        if word not in (*firsts, *lasts):
            raise PoolError(f"data_format is {word!r}; use {firsts[0]!r} or {lasts[0]!r}")
        return "first" if word in firsts else "last"
    if row.framework == "jax":
        return _channels_of_dimensions(given, rank)
    if row.framework == "anypool":
        return _channels_of_axes(given.get("axes"), rank)
    return {"first": "first", "last": "last"}[facts.fact(row.framework, "channels")]


def _channels_of_dimensions(given: dict[str, Any], rank: int) -> str:
    """Windows over every axis of (batch, ..., channels): the ones say where those are."""
    rows = [given.get("window_dimensions", ()), given.get("window_strides") or (1,) * (rank + 2)]
    free = [all(row[a] == 1 for row in rows if len(row) == rank + 2) for a in range(rank + 2)]
    if not free[0] or not (free[1] or free[-1]):
        raise PoolError(
            f"window_dimensions is {given.get('window_dimensions')!r}; give 1 for the batch and "
            "for the channels, such as (1, 3, 3, 1)"
        )
    return "last" if free[-1] else "first"


def _channels_of_axes(axes: Any, rank: int) -> str:
    if axes == "channels_last" or (axes is not None and tuple(axes) == tuple(range(1, rank + 1))):
        return "last"
    if axes is None or tuple(axes) in (tuple(range(2, rank + 2)), tuple(range(-rank, 0))):
        return "first"
    raise PoolError(f"axes is {axes!r}; a framework pools the axes between batch and channels, or "
                    "those after them")  # fmt: skip


# -- windows ------------------------------------------------------------------------------------

_KERNEL = ("kernel_size", "pool_size", "ksize", "window_shape", "kernel_shape", "window_dimensions")
_STRIDE = ("stride", "strides", "window_strides")
_DILATION = ("dilation", "dilations", "window_dilation")


def _first(given: dict[str, Any], words: Sequence[str]) -> Any:
    return next((given[word] for word in words if given.get(word) is not None), None)


def _sliding(row: Spelling, given: dict[str, Any], reader: Reader, fields: dict[str, Any]) -> None:
    kernel = _first(given, _KERNEL)
    if kernel is None:
        if row.framework != "keras":
            raise PoolError(f"{row.name} needs {next(w for w in row.words if w in _KERNEL)}")
        kernel = 2  # Keras's default
    fields["kernel"] = reader.inner(kernel, "the kernel")
    fields["stride"] = _stride(row, _first(given, _STRIDE), reader, fields)
    dilation = _first(given, _DILATION)
    fields["dilation"] = reader.inner(1 if dilation is None else dilation, "dilation")
    fields["padding"] = _padding(given, reader)
    fields["ceil"] = bool(given.get("ceil_mode")) and not isinstance(fields["padding"], str)
    fields["divisor"] = given.get("divisor_override")
    fields["p"] = float(given.get("norm_type", given.get("p", 2)))
    fields["signed"] = row.framework == "torch"
    _reduction(row, given, reader, fields)
    fields["counts"] = _counts(row, given, fields)


def _stride(row: Spelling, value: Any, reader: Reader, fields: dict[str, Any]) -> tuple[int, ...]:
    if value is not None and not (isinstance(value, Sequence) and not len(value)):
        return reader.inner(value, "stride")
    rule = "ones" if row.name == "pool" else facts.fact(row.framework, "stride")
    if rule == "required":
        raise PoolError(f"{row.name} of TensorFlow needs strides")
    return fields["kernel"] if rule == "kernel" else (1,) * reader.rank


def _padding(given: dict[str, Any], reader: Reader) -> Pairs | str:
    word = given.get("auto_pad")
    if word not in (None, "NOTSET", b"NOTSET", ""):
        return reader.sides(word)
    if given.get("pads") is not None:  # ONNX: all the starts, then all the ends
        pads = each(_listed(given["pads"]), "pads", 2 * reader.rank, 0)
        return tuple(zip(pads[: reader.rank], pads[reader.rank :], strict=True))
    value = given.get("padding")
    return reader.sides(0 if value is None else value)


def _reduction(row: Spelling, given: dict[str, Any], reader: Reader, fields: dict) -> None:
    """The reduction of functions that take it as an argument."""
    if row.reduce:
        return
    asked = given.get("computation", given.get("pooling_type"))
    asked = getattr(asked, "__name__", asked)
    word = str(asked).rpartition(".")[2].lower().removesuffix("_p")
    known = {"max": "max", "min": "min", "add": "sum", "avg": "mean"}
    if word not in known:
        raise PoolError(f"{row.name} with {asked!r} is not a pooling that can be ported; known "
                        "are max, min and add (average in tf.nn.pool)")  # fmt: skip
    fields["reduce"] = known[word]
    base = given.get("base_dilation")
    if base is not None and reader.inner(base, "base_dilation") != (1,) * reader.rank:
        raise PoolError("base_dilation spreads the input out; no other framework's pooling does")


def _counts(row: Spelling, given: dict[str, Any], fields: dict[str, Any]) -> bool:
    """Whether a mean counts declared padding."""
    asked = given.get("count_include_pad")
    default: Callable[[], bool] = lambda: not isinstance(fields["padding"], str)  # noqa: E731
    if asked is not None:
        return bool(asked)
    rule = facts.fact(row.framework, "counts")
    return default() if rule is None else bool(rule)


def _adaptive(row: Spelling, given: dict[str, Any], reader: Reader, fields: dict) -> None:
    if "output_size" not in given:
        raise PoolError(f"{row.name} needs output_size")
    value = _listed(given["output_size"])
    values = value if isinstance(value, list) else [value] * reader.rank
    values = values * reader.rank if len(values) == 1 else values
    if len(values) != reader.rank:
        raise PoolError(f"output_size has {len(values)} numbers for {reader.rank} pooled axes")
    fields["output"] = tuple(None if v is None else integer(v, "output_size", 1) for v in values)
    fields["windows"] = given.get("rule", "adaptive")


def _whole(row: Spelling, given: dict[str, Any], reader: Reader, fields: dict[str, Any]) -> None:
    default = row.framework != "keras"
    fields["keepdims"] = bool(given.get("keepdims", default))
    fields["p"] = float(given.get("p", 2))


def _fractional(row: Spelling, given: dict[str, Any], reader: Reader, fields: dict) -> None:
    fields["kernel"] = reader.numbers(given.get("kernel_size"), "kernel_size")
    size, ratio = given.get("output_size"), given.get("output_ratio")
    if (size is None) == (ratio is None):
        raise PoolError(f"{row.name} needs output_size or output_ratio, one of the two")
    if size is not None:
        fields["output"] = reader.numbers(size, "output_size")
    else:
        many: Any = ratio if isinstance(ratio, Sequence) else (ratio,) * reader.rank
        fields["ratio"] = tuple(float(r) for r in many)


_KINDS = {
    "sliding": _sliding, "adaptive": _adaptive, "whole": _whole, "fractional": _fractional,
}  # fmt: skip
