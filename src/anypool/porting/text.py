"""Code as text: calls, padding of our own, and what every target shares."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import PoolError
from .facts import FRAMEWORKS
from .pooling import Pairs, Pooling, short

SAME = '''def same(n, k, s):
    """Padding "same" of n elements: before and after{swapped}."""
    extra = max((-(-n // s) - 1) * s + k - n, 0)
    return {pair}
'''


class Draft(NamedTuple):
    """A pooling in a target's words: its name, its arguments, and code that runs."""

    name: str
    arguments: dict[str, Any]
    code: str
    notes: tuple[str, ...] = ()


class Dialect(NamedTuple):
    """How a framework writes what the padded forms need."""

    framework: str
    imports: str
    pad: str
    value: str  # how the number to pad with is said
    ones: str
    lowest: str = 'float("-inf")'
    flat: bool = False  # pads in one row, the last axis first (PyTorch)

    def literal(self, pooling: Pooling, pads: Pairs) -> str:
        """Pads of the pooled axes in the form that ``pad`` takes."""
        if self.flat:
            return repr(tuple(side for pair in reversed(pads) for side in pair))
        outer = ((0, 0),)
        first = pooling.channels == "first"
        return repr((*outer, *outer, *pads) if first else (*outer, *pads, *outer))


def refuse(target: str, what: str, nearest: str) -> PoolError:
    """One sentence: what the target cannot do, and the nearest that it can."""
    return PoolError(f"{FRAMEWORKS[target]} {what}; the nearest is {nearest}")


def refuse_size(target: str, what: str) -> PoolError:
    return PoolError(
        f"{what} depends on the size of the input, and {FRAMEWORKS[target]} has no word for it; "
        "give size=, such as size=(224, 224), and it becomes explicit padding"
    )


def call(name: str, arguments: dict[str, Any], first: str = "", indent: int = 4) -> str:
    """``name(first, key=value, ...)``, on several lines where one would be long."""
    words = [first] * bool(first) + [f"{k}={literal(v)}" for k, v in arguments.items()]
    line = f"{name}({', '.join(words)})"
    if len(line) + indent <= 88:
        return line
    room = " " * (indent + 4)
    return f"{name}(\n" + "".join(f"{room}{word},\n" for word in words) + " " * indent + ")"


class Raw(str):
    """An argument that is code already, such as ``lax.max``."""


def literal(value: Any) -> str:
    if isinstance(value, str):
        return str(value) if isinstance(value, Raw) else '"' + value + '"'
    return repr(value)


def function(imports: str, lines: list[str], helper: str = "") -> str:
    """A module of text that defines ``pool(x)``; the last line is what it gives."""
    *before, last = lines
    body = "".join(f"    {line}\n" for line in before) + f"    return {last}\n"
    parts = [imports + "\n", *([helper] if helper else []), f"def pool(x):\n{body}"]
    return "\n\n".join(parts)


def value(imports: str, made: str) -> str:
    return f"{imports}\n\npool = {made}\n"


def as_int(values: Any) -> Any:
    """One number for equal ones, where a framework takes either."""
    return short(values)


# -- padding of our own -------------------------------------------------------------------------


def padded(pooling: Pooling, dialect: Dialect, name: str, arguments: dict[str, Any]) -> str:
    """Code that pads first and pools then, where ``name`` alone cannot say the padding."""
    declared, overhang = pooling.pads, pooling.overhang
    if pooling.ceil and overhang is None:
        raise refuse_size(dialect.framework, "ceil_mode")
    helper, pads, hangs = "", declared, any(overhang or ())
    if declared is None:
        helper, first = _same(pooling, dialect)
    else:
        rows = zip(declared, overhang or (0,) * pooling.rank, strict=True)
        pads = tuple((b, a + over) for (b, a), over in rows)
        first = f"pads = {dialect.literal(pooling, pads)}"

    def pool(x: str) -> str:
        return call(name, arguments, x)

    if pooling.reduce == "max":
        return function(dialect.imports, [first, pool(_pad(dialect, "x", dialect.lowest))], helper)
    if pooling.counts and not hangs:
        return function(dialect.imports, [first, pool(_pad(dialect, "x"))], helper)
    lines = [first, f"total = {pool(_pad(dialect, 'x'))}", f"ones = {dialect.ones}"]
    if pooling.counts:  # declared padding counts, what hangs over does not
        over = dialect.literal(pooling, tuple((0, o) for o in overhang or ()))
        lines += [f"pads = {dialect.literal(pooling, declared or ())}",
                  f"ones = {_pad(dialect, 'ones', '1.0')}", f"pads = {over}"]  # fmt: skip
    share = pool(_pad(dialect, "ones"))
    return function(dialect.imports, [*lines, f"share = {share}", "total / share"], helper)


def _same(pooling: Pooling, dialect: Dialect) -> tuple[str, str]:
    """A helper and a line that work out "same" at every call."""
    inner = "x.shape[2:]" if pooling.channels == "first" else "x.shape[1:-1]"
    lower = pooling.padding == "same_lower"
    pair = "extra - extra // 2, extra // 2" if lower else "extra // 2, extra - extra // 2"
    helper = SAME.format(swapped=", the odd one before" if lower else "", pair=pair)
    rows = f"same(n, k, s) for n, k, s in zip({inner}, {pooling.reach}, {pooling.stride})"
    every = "(0, 0), (0, 0), *pads" if pooling.channels == "first" else "(0, 0), *pads, (0, 0)"
    if dialect.flat:
        every = "side for pair in reversed(pads) for side in pair"
    return helper, f"pads = [{rows}]\n    pads = [{every}]"


def _pad(dialect: Dialect, x: str, number: str = "") -> str:
    value = dialect.value.format(number) if number else ""
    return f"{dialect.pad}({x}, pads{value})"
