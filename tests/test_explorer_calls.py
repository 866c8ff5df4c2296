"""The explorer's calls are true, evaluated; its sentences have the right numbers in them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import anypool as ap
from explorer_cases import INF, KINDS, Case, Draw, pooled, pooling, sliding, some_cases
from explorer_node import Node


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with Node() as process:
        yield process


# -- anypool ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_anypool_call_gives_the_same_numbers(node: Node, kind: str) -> None:
    for case in some_cases(kind, 6):
        call = node.one("anypoolCall", case.pooling)
        found = eval(call, {"ap": ap, "x": case.x})
        np.testing.assert_array_equal(found, pooled(case), err_msg=call)


COPIED = "x, [n - 6 * (n // 7) for n in x.shape[-2:]], stride=[n // 7 for n in x.shape[-2:]]"
EVEN = "_random_samples=x.new_full((*x.shape[:2], 2), 0.5)"
SHORT: list[tuple[dict[str, Any], str, str | None]] = [
    (pooling("max", sliding()), "ap.max_pool(x, 3)", "F.max_pool2d(x, 3)"),
    (
        pooling("max", sliding(stride=[2, 2], padding=[[1, 1], [1, 1]])),
        "ap.max_pool(x, 3, stride=2, padding=1)",
        "F.max_pool2d(x, 3, stride=2, padding=1)",
    ),
    (pooling("mean", sliding(stride=[3, 3])), "ap.avg_pool(x, 3)", "F.avg_pool2d(x, 3)"),
    (
        pooling("mean", sliding(padding=[[1, 1], [0, 0]], ceil=True), countPadding=False),
        "ap.avg_pool(x, 3, padding=(1, 0), ceil_mode=True, count_include_pad=False)",
        "F.avg_pool2d(x, 3, padding=(1, 0), ceil_mode=True, count_include_pad=False)",
    ),
    (
        pooling("mean", sliding(padding=[[1, 1], [0, 0]]), countPadding=True),
        "ap.avg_pool(x, 3, padding=(1, 0))",
        "F.avg_pool2d(x, 3, padding=(1, 0))",
    ),
    (
        pooling("max", sliding(padding=[[0, 1], [0, 1]], stride=[2, 2])),
        "ap.max_pool(x, 3, stride=2, padding=((0, 1), (0, 1)))",
        'F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=float("-inf")), 3, stride=2)',
    ),
    (
        pooling("max", sliding(padding="same", stride=[1, 1], ceil=True)),
        'ap.max_pool(x, 3, stride=1, padding="same")',
        "F.max_pool2d(x, 3, stride=1, padding=1)",
    ),
    (pooling("min", sliding()), "ap.min_pool(x, 3)", "-F.max_pool2d(-x, 3)"),
    (pooling("sum", sliding()), "ap.sum_pool(x, 3)", "F.avg_pool2d(x, 3, divisor_override=1)"),
    (pooling("lp", sliding()), "ap.lp_pool(x, 2, 3)", "F.lp_pool2d(x, 2, 3)"),
    (
        pooling("lp", sliding(), params={"p": 3}),
        "ap.lp_pool(x, 3, 3)",
        "F.lp_pool2d(x.abs(), 3, 3)",
    ),
    (pooling("gem", sliding(), params={"p": 4}), "ap.gem_pool(x, 3, p=4)", None),
    (
        pooling("median", sliding(), params={"method": 1}),
        'ap.median_pool(x, 3, method="lower")',
        None,
    ),
    (pooling("quantile", sliding()), "ap.quantile_pool(x, 3, q=0.5)", None),
    (
        pooling("mean", {"kind": "adaptive", "size": [7, 7]}),
        "ap.adaptive_avg_pool(x, 7)",
        "F.adaptive_avg_pool2d(x, 7)",
    ),
    (
        pooling("max", {"kind": "adaptive", "size": [None, 5]}),
        "ap.adaptive_max_pool(x, (None, 5))",
        "F.adaptive_max_pool2d(x, (None, 5))",
    ),
    (
        pooling("gem", {"kind": "split", "size": [2, 3]}, params={"p": 4}),
        'ap.adaptive_pool(x, (2, 3), ap.reductions.gem(p=4), rule="split")',
        None,
    ),
    (
        pooling("mean", {"kind": "copied", "size": [7, 7]}),
        f"ap.avg_pool({COPIED})",
        f"F.avg_pool2d({COPIED})",
    ),
    (
        pooling("mean", {"kind": "whole"}),
        "ap.global_avg_pool(x)",
        "F.adaptive_avg_pool2d(x, 1)",
    ),
    (pooling("sum", {"kind": "whole"}), 'ap.global_pool(x, "sum")',
     "x.sum((-2, -1), keepdim=True)"),
    (
        pooling("max", {"kind": "fractional", "kernel": [2, 2], "size": [5, 4]}),
        "ap.fractional_max_pool(x, 2, output_size=(5, 4))",
        f"F.fractional_max_pool2d(x, 2, output_size=(5, 4), {EVEN})",
    ),
    (
        pooling("max", {"kind": "pyramid", "bins": [1, 2, 4], "rule": "adaptive"}),
        "ap.pyramid_pool(x)",
        "torch.cat([F.adaptive_max_pool2d(x, n).flatten(-2) for n in (1, 2, 4)], -1)",
    ),
    (
        pooling("mean", {"kind": "pyramid", "bins": [3], "rule": "split"}),
        'ap.pyramid_pool(x, (3,), "mean", rule="split")',
        None,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "ours", "torchs"), SHORT, ids=[ours for _, ours, _ in SHORT])
def test_calls_are_short(node: Node, asked: dict[str, Any], ours: str, torchs: str | None) -> None:
    assert node.run(("anypoolCall", asked), ("torchCall", asked)) == [ours, torchs]


# -- PyTorch ------------------------------------------------------------------------------------


def torch_value(call: str, x: np.ndarray) -> np.ndarray:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    names = {"torch": torch, "F": torch.nn.functional, "x": torch.from_numpy(x)[None, None]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a spread of one number; named tensors
        return eval(call, names).numpy()


def ignores_nan(case: Case) -> bool:
    """Lp and GeM for p = inf pass over a NaN that does not come first; PyTorch's do not."""
    return case.pooling["params"].get("p") == INF and bool(np.isnan(case.x).any())


def told_calls(node: Node, case: Case) -> set[str]:
    """The call for this size, and the one for any size where this one is not a tiny one."""
    own, any_size = node.run(("torchCall", case.pooling, *case.shape), ("torchCall", case.pooling))
    large = min(case.shape) >= max(case.pooling["windows"].get("dilation", [1]))
    return {call for call in (own, any_size if large else None) if call is not None}


@pytest.mark.parametrize("kind", KINDS)
def test_the_torch_call_gives_the_same_numbers(node: Node, kind: str) -> None:
    seen = 0
    for case in some_cases(kind, 16):
        for call in told_calls(node, case):
            seen += 1
            if not ignores_nan(case):
                y = pooled(case)
                found = torch_value(call, case.x)
                assert found.size == y.size, f"{call} on {case.shape}"
                scale = np.abs(case.x[np.isfinite(case.x)]).max(initial=1.0)
                np.testing.assert_allclose(
                    found.ravel(),
                    y.ravel(),
                    rtol=1e-10,
                    atol=1e-13 * scale,
                    err_msg=f"{call} on {case.shape}",
                )
    assert seen > 10


WINDOWS_OF_TORCH: dict[str, list[dict[str, Any]]] = {
    "max min mean sum": [
        sliding(), sliding(stride=[2, 1], ceil=True), sliding(padding=[[1, 1], [1, 1]]),
        sliding(padding="same", stride=[1, 1]), sliding(padding=[[2, 1], [0, 0]]),
        {"kind": "copied", "size": [4, 5]}, {"kind": "whole"},
    ],
    "max min": [sliding(dilation=[2, 3], padding=[[1, 1], [1, 1]]), sliding(padding="same"),
                {"kind": "fractional", "kernel": [2, 2], "size": [4, 4]}],
    "max min mean": [
        {"kind": "adaptive", "size": [7, None]}, {"kind": "split", "size": [5, 1]},
        {"kind": "pyramid", "bins": [1, 3], "rule": "adaptive"},
        {"kind": "pyramid", "bins": [1, 5], "rule": "split"},
    ],
    "lp": [sliding(), sliding(padding=[[1, 1], [0, 1]]), {"kind": "whole"}],
    "std var": [{"kind": "whole"}],
}  # fmt: skip
TORCH_CAN = [
    (name, windows)
    for names, rows in WINDOWS_OF_TORCH.items()
    for name in names.split()
    for windows in rows
]


@pytest.mark.parametrize(("name", "windows"), TORCH_CAN, ids=str)
def test_where_torch_can_there_is_a_call(node: Node, name: str, windows: dict[str, Any]) -> None:
    case = Case(pooling(name, windows), Draw(1).plane(10, 15, "ties"))
    call = node.one("torchCall", case.pooling, 10, 15)
    np.testing.assert_allclose(
        torch_value(call, case.x).reshape(pooled(case).shape), pooled(case), atol=1e-13
    )


@pytest.mark.parametrize(
    ("asked", "sizes"),
    [
        (pooling("mean", sliding(padding=[[2, 1], [0, 0]]), countPadding=False), [9, 9]),
        (pooling("max", sliding(padding=[[3, 3], [3, 3]])), [9, 9]),  # windows of nothing
        (pooling("max", sliding(padding=[[0, 1], [0, 0]], ceil=True)), [9, 9]),
        (pooling("mean", sliding(dilation=[2, 2])), [9, 9]),
        (pooling("lp", sliding(ceil=True)), [9, 9]),
        (pooling("max", sliding(padding="same", stride=[2, 2])), []),  # sides depend on the size
        (pooling("max", {"kind": "split", "size": [4, 4]}), [9, 9]),
        (pooling("sum", {"kind": "adaptive", "size": [4, 4]}), [9, 9]),
        (pooling("var", {"kind": "whole"}, params={"correction": 2}), [9, 9]),
        *((pooling(name, sliding()), [9, 9]) for name in ("lse", "soft", "mode", "any", "std")),
    ],
    ids=str,
)
def test_where_torch_cannot_there_is_none(
    node: Node, asked: dict[str, Any], sizes: list[int]
) -> None:
    assert node.one("torchCall", asked, *sizes) is None
