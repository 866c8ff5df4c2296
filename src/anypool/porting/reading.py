"""A configuration as it was written: a call in words, a dict, or an object of a framework."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import PoolError
from .facts import FRAMEWORKS
from .names import ARRAYS, ONLY_OURS, PREFIXES, SPELLINGS, Spelling, rows_of

FORMS = (
    "a dict with its name and arguments, a call such as \"MaxPool2d(3, stride=2)\", or a layer"
)  # fmt: skip


class Written(NamedTuple):
    """A name and its arguments, before anybody knows what they mean."""

    name: str
    args: tuple[Any, ...]
    given: dict[str, Any]
    home: str = ""  # the framework, where the form tells it
    loose: bool = False  # may hold arguments that are not the pooling's (a layer's own config)


def read(config: Any, from_: str | None) -> tuple[Spelling, dict[str, Any]]:
    """The row of the table that a configuration means, and its arguments by name."""
    if from_ is not None and from_ not in FRAMEWORKS:
        raise PoolError(f"from_ is {from_!r}; use one of {', '.join(FRAMEWORKS)}")
    written = _written(config)
    name = written.name.rpartition(".")[2]
    home = from_ or written.home or _home_of_prefix(written.name)
    rows = [row for row in rows_of(name, home or None) if _fits(row, written)]
    homes = {row.framework for row in rows}
    if len(homes) > 1:
        raise PoolError(
            f"{name} is a pooling of {' and of '.join(FRAMEWORKS[h] for h in sorted(homes))}; "
            f"say which, such as from_={min(homes)!r}"
        )
    if not rows:
        raise PoolError(_unknown(name, home, written))
    return rows[0], _named(rows[0], written)


def _written(config: Any) -> Written:
    if isinstance(config, str):
        return _of_text(config)
    if isinstance(config, Mapping):
        return _of_dict(config)
    if isinstance(config, functools.partial):
        module = getattr(config.func, "__module__", "")
        return Written(config.func.__name__, config.args, dict(config.keywords), _home(module))
    return _of_object(config)


# -- a call in words ----------------------------------------------------------------------------


def _of_text(text: str) -> Written:
    try:
        call = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise PoolError(f"{text!r} cannot be read; give {FORMS}") from None
    if isinstance(call, ast.Name | ast.Attribute):
        return Written(ast.unparse(call), (), {})
    if not isinstance(call, ast.Call) or any(k.arg is None for k in call.keywords):
        raise PoolError(f"{text!r} is not one call; give {FORMS}")
    args = tuple(_value(a) for a in call.args)
    given = {str(k.arg): _value(k.value) for k in call.keywords}
    return Written(ast.unparse(call.func), args, given)


def _value(node: ast.expr) -> Any:
    """A literal; names such as ``lax.max`` and ``x`` as their text, ``-jnp.inf`` as a float."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        pass
    text = ast.unparse(node)
    if re.fullmatch(r"-?(\w+\.)?inf|-?float\(.inf.\)", text):
        return float("-inf") if text.startswith("-") else float("inf")
    if isinstance(node, ast.Name | ast.Attribute):
        return text
    raise PoolError(f"{text!r} is not a number, a word or a tuple of them; write its value")


# -- a dict, or an object -----------------------------------------------------------------------


def _of_dict(config: Mapping[str, Any]) -> Written:
    """``{"name": ..., arguments}``; and what Keras's serialize() and get_config() give."""
    inner = config.get("config")
    if isinstance(inner, Mapping) and "class_name" in config:
        return Written(str(config["class_name"]), (), _without(inner, "name"), "keras", True)
    for key in ("class_name", "op_type", "type", "name"):
        if isinstance(config.get(key), str):
            loose = "trainable" in config
            name = re.sub(r"_\d+$", "", config[key]) if loose else config[key]
            return Written(name, (), _without(config, key), "keras" if loose else "", loose)
    raise PoolError(f'the dict has no "name"; give {FORMS}')


def _without(config: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {str(k): v for k, v in config.items() if k != key}


def _of_object(thing: Any) -> Written:
    """A module, layer or node that is there already, read by its own attributes."""
    if isinstance(getattr(thing, "op_type", None), str):
        return Written(thing.op_type, (), dict(map(_attribute, thing.attribute)), "onnx")
    for kind in type(thing).__mro__:
        home = _home(kind.__module__)
        if home == "keras" and rows_of(kind.__name__, home) and hasattr(thing, "get_config"):
            return Written(kind.__name__, (), _without(thing.get_config(), "name"), home, True)
        rows = rows_of(kind.__name__, "torch") if home == "torch" else []
        if rows:
            given = {word: getattr(thing, word) for word in rows[0].words if hasattr(thing, word)}
            return Written(kind.__name__, (), given, home, True)
    raise PoolError(f"{type(thing).__name__} is not a pooling of any framework; give {FORMS}")


def _attribute(attribute: Any) -> tuple[str, Any]:
    """An attribute of an ONNX node: a number, a word or a list of numbers."""
    if attribute.ints:
        return attribute.name, tuple(attribute.ints)
    return attribute.name, attribute.s.decode() if attribute.s else attribute.i


# -- whose it is, and what its arguments are called ---------------------------------------------


def _home(module: str) -> str:
    parts = module.split(".")
    if parts[0] == "anypool":  # its layers have the names of the framework they are made for
        return parts[1] if len(parts) > 1 and parts[1] in ("torch", "keras") else "anypool"
    return PREFIXES.get(parts[0], "")


def _home_of_prefix(name: str) -> str:
    """The framework that stands before the dots; the nearest to the name counts."""
    *parts, last = name.split(".")
    for part in reversed(parts):
        if part in PREFIXES:
            return PREFIXES[part]
    if "nn" in parts:  # both PyTorch and Flax are written so
        return "torch" if rows_of(last, "torch") or not rows_of(last, "flax") else "flax"
    return ""


def _fits(row: Spelling, written: Written) -> bool:
    """Whether a call may be of this row: a name that several frameworks use tells by its words."""
    known = {*row.words, *(ARRAYS if row.takes_array else ())}
    return written.loose or written.given.keys() <= known


def _named(row: Spelling, written: Written) -> dict[str, Any]:
    given = {k: v for k, v in written.given.items() if k in row.words}
    args = written.args
    if row.takes_array and args and not (written.given.keys() & set(ARRAYS)):
        args = args[1:] if isinstance(args[0], str) else args  # "x" stands where the array goes
    if len(args) > len(row.words):
        raise PoolError(f"{row.name} takes {len(row.words)} arguments, not {len(args)}")
    for word, value in zip(row.words, args, strict=False):
        if word in given:
            raise PoolError(f"{row.name} gets {word} twice")
        given[word] = value
    return given


def _unknown(name: str, home: str, written: Written) -> str:
    if name in ONLY_OURS and home in ("", "anypool"):
        return f"{name} is anypool's alone: no framework has it; call it on their arrays as it is"
    known = rows_of(name, home or None)
    if known:
        strange = sorted(written.given.keys() - set(known[0].words) - set(ARRAYS))
        return (
            f"{name} of {FRAMEWORKS[known[0].framework]} has no argument {strange[0]!r}; "
            f"it has {', '.join(known[0].words)}"
        )
    whose = FRAMEWORKS.get(home, "any framework")
    some = sorted({s.name for s in SPELLINGS if s.framework == home} or {"MaxPool2d", "max_pool"})
    return f"{name!r} is not a pooling of {whose} that can be ported; known are {', '.join(some)}"
