"""The GPU's kernels made into machine code for two cards, without one: the compiler takes them all.

Triton's interpreter is less strict than its compiler. Launches are caught here, and compiled for
the types, strides and constants that they would run with.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

import pytest

import anypool as ap

if os.environ.get("TRITON_INTERPRET") == "1":
    pytest.skip("these are compiled, not interpreted", allow_module_level=True)
torch = pytest.importorskip("torch", reason="PyTorch is not installed")
triton = pytest.importorskip("triton", reason="Triton is not installed (pip install triton)")

from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

from anypool.torch import gpu, gpurun, ways  # noqa: E402

W = ap.windows
NAMES = {torch.float32: "fp32", torch.float64: "fp64", torch.float16: "fp16",
         torch.bfloat16: "bf16", torch.uint8: "u8", torch.int32: "i32", torch.int64: "i64",
         torch.uint32: "u32", torch.uint64: "u64", torch.bool: "u8"}  # fmt: skip
CARDS = (80, 90)


@pytest.fixture(params=CARDS, ids="sm_{}".format)
def card(request, monkeypatch, tmp_path):
    """Compile what is launched for this card; the code of every kernel, by name."""
    made: dict[str, str] = {}

    def launch(kernel: Any, how: Any, like: Any, **tensors: Any) -> None:
        del like
        code = compiled(kernel, {**tensors, **how.words}, request.param)
        made[kernel.__name__] = code.asm["ptx"]

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(gpu, "DEVICES", {"cpu"})
    monkeypatch.setattr(ways, "ordinary", lambda x: False)
    monkeypatch.setattr(gpurun, "launch", launch)
    return made


def compiled(kernel: Any, arguments: dict[str, Any], capability: int) -> Any:
    """A kernel compiled for arguments like these, as a launch would."""
    signature, constants, facts = {}, {}, {}
    for i, param in enumerate(kernel.params):
        value = arguments.pop(param.name)
        fixed = param.is_constexpr or value is None or (type(value) is int and value == 1)
        if fixed:
            signature[param.name], constants[param.name] = "constexpr", value
        elif isinstance(value, int):
            signature[param.name] = "i32" if abs(value) < 1 << 31 else "i64"
        else:
            signature[param.name] = f"*{NAMES[value.dtype]}"
        if not fixed and (not isinstance(value, int) or value % 16 == 0):
            facts[(i,)] = [["tt.divisibility", 16]]
    assert not arguments, f"the kernel has no {', '.join(arguments)}"
    source = ASTSource(fn=kernel, signature=signature, constexprs=constants, attrs=facts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Triton speaks of its own defaults
        return triton.compile(source, target=GPUTarget("cuda", capability, 32))


def there_and_back(x: Any, windows: Any, reduce: Any, **common: Any) -> None:
    """Pool x and, where it has one, take the derivative."""
    if x.dtype.is_floating_point:
        x.requires_grad_()
    y = ap.pool(x, windows, reduce, axes=tuple(range(2, x.ndim)), **common)
    y = y[0] if isinstance(y, tuple) else y
    if y.requires_grad:
        y.sum().backward()


KERNELS = {
    "max": lambda: there_and_back(torch.ones(2, 8, 20, 24), W.sliding(3, 2, 1), "max",
                                  return_indices=True),
    "max-channels-last-bf16": lambda: there_and_back(
        torch.ones(2, 16, 20, 24, dtype=torch.bfloat16).to(memory_format=torch.channels_last),
        W.sliding(3, 2, 1), "max"),
    "mean-ceil": lambda: there_and_back(torch.ones(2, 8, 21, 24), W.sliding(3, 2, 1, 1, True),
                                        "mean"),
    "max-adaptive": lambda: there_and_back(torch.ones(2, 8, 60, 64), W.adaptive((5, 7)), "max"),
    "mean-whole-cut": lambda: there_and_back(torch.ones(1, 2, 256, 256), W.whole(), "mean"),
    "max-whole-cut": lambda: there_and_back(torch.ones(1, 2, 256, 256), W.whole(), "max"),
    "gem-masked": lambda: there_and_back(torch.ones(2, 8, 20, 24), W.sliding(3, 2, 1),
                                         ap.reductions.gem(p=4.5),
                                         mask=torch.ones(20, 24, dtype=torch.bool)),
}  # fmt: skip
MORE = {
    **{f"{name}-{dtype}-{kind}": lambda name=name, dtype=dtype, windows=windows: there_and_back(
        torch.ones(2, 4, 20, 24, dtype=getattr(torch, dtype)), windows, name)
       for name in ("min", "sum", "lp", "gem", "lse", "soft", "var", "std")
       for dtype, kind, windows in (("float64", "k3", W.sliding(3, 2, 1)),
                                    ("float32", "whole", W.whole()),
                                    ("float16", "split", W.split((4, 3))))},
    **{f"{name}-{dtype}": lambda name=name, dtype=dtype: there_and_back(
        torch.ones(2, 4, 20, 24).to(getattr(torch, dtype)), W.sliding(3, 2, 1), name)
       for name in ("max", "sum", "mean") for dtype in ("uint8", "int32", "int64", "bool")},
    "ties": lambda: there_and_back(torch.ones(2, 4, 20, 24), W.sliding(3), "max", ties="split"),
    "skip": lambda: there_and_back(torch.ones(2, 4, 20, 24), W.sliding(3), "max", nan="skip"),
    "3d": lambda: there_and_back(torch.ones(2, 4, 8, 9, 10), W.sliding(2, 2, 1), "max"),
    "sizes": lambda: there_and_back(torch.ones(2, 4, 20, 24), W.adaptive(4), "mean",
                                    sizes=torch.tensor([[20, 24], [7, 9]])),
    "weights": lambda: there_and_back(torch.ones(2, 4, 20, 24), W.adaptive(4), "lse",
                                      weights=torch.ones(20, 24, requires_grad=True)),
}  # fmt: skip


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_compiles_for_a_card(name, card):
    KERNELS[name]()
    assert "pool" in card
    assert all(".visible .entry" in code for code in card.values())


@pytest.mark.nightly
@pytest.mark.parametrize("name", MORE)
def test_every_kernel_compiles_for_a_card(name, card):
    MORE[name]()
    assert "pool" in card


def test_channels_last_are_read_sixteen_bytes_at_a_time(card):
    KERNELS["max-channels-last-bf16"]()
    assert "ld.global.v4.b32" in card["pool"]


@pytest.mark.parametrize("name", ["max", "mean-ceil", "gem-masked"])
def test_no_kernel_adds_atomically(name, card):
    """What makes every run give the same bits; and no array of a thread lies in memory."""
    KERNELS[name]()
    for code in card.values():
        assert "atom." not in code
        assert "red.global" not in code
        assert ".local" not in code
