"""What decides a kernel's machine code, in words that are the same in every process.

Numba pickles a closure's cells for this, and a pickled compiled function differs every time.
Here a function is told by its bytecode and by everything it reaches: constants, cells, globals,
helpers, intrinsics. Two kernels that differ in any of them are never taken for each other.
"""

from __future__ import annotations

import hashlib
from types import CodeType, FunctionType
from typing import Any

# Their versions are in the folder's name; their functions are told by name alone.
_FOREIGN = ("numba", "numpy", "llvmlite", "math", "operator", "builtins")


def identity(function: FunctionType, options: dict[str, Any]) -> str:
    """A hash of `function`'s name, its code, all it reaches, and the compiler's options.

    >>> identity(lambda x: x + 1, {}) == identity(lambda x: x + 2, {})
    False
    """
    told = f"{function.__qualname__}\n{_tell((function, sorted(options.items())), {})}"
    return hashlib.sha256(told.encode()).hexdigest()


def _tell(thing: Any, seen: dict[int, int]) -> str:
    inner = getattr(thing, "py_func", None) or getattr(thing, "_defn", None) or thing
    if hasattr(inner, "__code__") and inner.__module__.split(".")[0] not in _FOREIGN:
        return _tell_function(thing, inner, seen)
    if isinstance(thing, (tuple, list)):
        return f"({','.join(_tell(item, seen) for item in thing)})"
    if isinstance(thing, (set, frozenset)):
        return f"{{{','.join(sorted(_tell(item, seen) for item in thing))}}}"
    return f"{type(thing).__name__} {_tell_value(thing)}"


def _tell_value(thing: Any) -> str:
    name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None)
    if name:  # a class, a module, a builtin
        return f"{getattr(thing, '__module__', '')}.{name}"
    if hasattr(thing, "tobytes"):
        return f"{thing.dtype}{thing.shape}{hashlib.sha256(thing.tobytes()).hexdigest()}"
    text = repr(thing)
    # An address differs in every process: there, the kernel's name has to do.
    return text if " at 0x" not in text else ""


def _tell_function(thing: Any, function: Any, seen: dict[int, int]) -> str:
    if id(function) in seen:
        return f"#{seen[id(function)]}"
    seen[id(function)] = len(seen)
    code, used = _tell_code(function.__code__, seen)
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    scope = [function.__globals__[word] for word in used if word in function.__globals__]
    options = sorted(getattr(thing, "targetoptions", {}).items())
    defaults = (function.__defaults__, sorted((function.__kwdefaults__ or {}).items()))
    return f"<{code} {_tell((options, cells, scope, defaults), seen)}>"


def _tell_code(code: CodeType, seen: dict[int, int]) -> tuple[str, list[str]]:
    """The code in words, and the names it looks up, those of inner functions included."""
    inner = [_tell_code(one, seen) for one in code.co_consts if isinstance(one, CodeType)]
    values = [_tell(one, seen) for one in code.co_consts if not isinstance(one, CodeType)]
    used = [*code.co_names, *(word for _, words in inner for word in words)]
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    return f"{code.co_code.hex()}{values}{names}{counts}{[text for text, _ in inner]}", used
