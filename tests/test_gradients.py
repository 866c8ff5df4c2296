"""ap.vjp against finite differences, ties, threads, and what the backward pass keeps in memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import anypool as ap
from cases import REDUCTIONS, WINDOWS, Reduction, sample, windows
from same import assert_same
from strategies import commons, mask_of, problems, relayout, weights_of

SHAPE, AXES = (1, 2, 5, 6), (2, 3)
BOXES = ((0, 0, 0, 5, 6), (0, 1, 2, 4, 4), (0, 3, 0, 4, 5))
SMOOTH = {name: r for name, r in REDUCTIONS.items() if r.gradient}
WEIGHING = {name: r for name, r in SMOOTH.items() if r.weights == "weighs"}
EACH = pytest.mark.parametrize("reduction", SMOOTH.values(), ids=SMOOTH)
PARTS = {
    "k3s2p1": WINDOWS["k3s2p1"],
    "k3s2p1-ceil": WINDOWS["k3s2p1-ceil"],
    "dilated": windows("sliding", kernel_size=2, stride=1, padding=1, dilation=(3, 2)),
    "empty-windows": windows("sliding", kernel_size=(2, 1), stride=2, padding=((3, 0), (1, 2))),
    "same": WINDOWS["same"],
    "adaptive": windows("adaptive", output_size=(3, 8)),
    "split": windows("split", output_size=(2, 4)),
    "whole": windows("whole"),
    "whole-squeezed": windows("whole", keepdims=False),
    "fractional": windows("fractional", kernel_size=2, output_size=(3, 4)),
    "pyramid": windows("pyramid", bins=(1, 2)),
    "boxes": windows("boxes", boxes=BOXES, output_size=(2, 3)),
}
EVERY = pytest.mark.parametrize("spec", PARTS.values(), ids=PARTS)
STEP = 1e-5


def distinct() -> np.ndarray:
    """Positive and apart by more than the step, so that no maximum changes hands."""
    return sample(SHAPE, np.float64, 1, "distinct") / 4 + 1.1


def loss(x, spec, reduce, g, **common) -> float:
    return float((ap.pool(x, spec.build(), reduce, axes=AXES, **common) * g).sum())


def slope(function, at: np.ndarray) -> np.ndarray:
    """Central differences of a function of an array, one element after the other."""
    out = np.zeros_like(at)
    for place in np.ndindex(at.shape):
        high, low = at.copy(), at.copy()
        high[place] += STEP
        low[place] -= STEP
        out[place] = (function(high) - function(low)) / (2 * STEP)
    return out


def close(got, want) -> None:
    np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-6)


def parts(made) -> tuple:
    return made if isinstance(made, tuple) else (made,)


def backward(x, spec, reduction: Reduction, **common):
    y, pullback = ap.vjp(x, spec.build(), reduction.build(), axes=AXES, **common)
    assert_same(y, ap.pool(x, spec.build(), reduction.build(), axes=AXES, **common))
    g = np.random.default_rng(2).normal(size=y.shape)
    return g, parts(pullback(g))


@EVERY
@EACH
@pytest.mark.parametrize("masked", [False, True], ids=["plain", "masked"])
def test_gradient_of_x(masked, reduction, spec):
    x = distinct()
    common = {"mask": mask_of(SHAPE, 3)} if masked else {}
    g, (gx, *_) = backward(x, spec, reduction, **common)
    reduce = reduction.build()
    close(gx, slope(lambda z: loss(z, spec, reduce, g, **common), x))


@EVERY
@EACH
def test_gradient_of_x_with_weights(reduction, spec):
    """Some of the weights are zero."""
    x, weights = distinct(), weights_of(SHAPE, 4) * 4
    common = {"mask": mask_of(SHAPE, 5), "weights": weights}
    g, (gx, gw, *_) = backward(x, spec, reduction, **common)
    reduce = reduction.build()
    close(gx, slope(lambda z: loss(z, spec, reduce, g, **common), x))
    assert gw.shape == weights.shape


@EVERY
@pytest.mark.parametrize("reduction", WEIGHING.values(), ids=WEIGHING)
def test_gradient_of_the_weights(reduction, spec):
    x, mask = distinct(), mask_of(SHAPE, 6)
    weights = np.random.default_rng(7).uniform(1, 2, SHAPE)
    g, (_, gw, *_) = backward(x, spec, reduction, mask=mask, weights=weights)
    reduce = reduction.build()
    close(gw, slope(lambda w: loss(x, spec, reduce, g, mask=mask, weights=w), weights))


@pytest.mark.parametrize("shape", [(6,), (1, 1, 5, 6), (2, 1, 1), (1, 1, 1, 1)], ids=str)
def test_gradient_of_broadcast_weights_has_their_shape(shape):
    x, spec, reduction = distinct(), PARTS["k3s2p1"], REDUCTIONS["mean"]
    weights = np.random.default_rng(7).uniform(0.5, 2, shape)
    g, (_, gw) = backward(x, spec, reduction, weights=weights)
    assert gw.shape == shape
    close(gw, slope(lambda w: loss(x, spec, "mean", g, weights=w), weights))


WITH_PARAMETER = {name: r for name, r in SMOOTH.items() if r.parameter}


@EVERY
@pytest.mark.parametrize("reduction", WITH_PARAMETER.values(), ids=WITH_PARAMETER)
@pytest.mark.parametrize("how", ["plain", "masked", "weighted"])
def test_gradient_of_the_parameter(how, reduction, spec):
    x, mask = distinct(), mask_of(SHAPE, 8)
    common = {} if how == "plain" else {"mask": mask}
    if how == "weighted":
        common["weights"] = np.random.default_rng(9).uniform(0.5, 2, SHAPE)
    g, made = backward(x, spec, reduction, **common)
    assert len(made) == 2 + (how == "weighted")
    build = getattr(ap.reductions, reduction.name)

    def at(value):
        return loss(x, spec, build(**{reduction.parameter: float(value[0])}), g, **common)

    want = slope(at, np.array([float(reduction.params[reduction.parameter])]))
    assert np.ndim(made[-1]) == 0
    close(made[-1], want[0])


@pytest.mark.parametrize("first", ["plain", "given"])
def test_what_comes_back_depends_on_no_call_before(first):
    """Plans are kept: "gem", and gem with the same power by its name, must not share one."""
    x, windows = np.linspace(0.5, 3.5, 7 if first == "plain" else 8), ap.windows.whole()
    ask = {"plain": "gem", "given": ap.reductions.gem(p=3.0)}
    for how in [first, *ask]:
        y, pullback = ap.vjp(x, windows, ask[how])
        found = pullback(np.ones_like(y))
        assert isinstance(found, tuple) == (how == "given")


def test_what_a_pullback_gives_back():
    x, reductions = distinct(), ap.reductions
    g = np.ones((1, 2, 2, 3))
    windows = ap.windows.sliding(2)

    def count(reduce, **common):
        made = ap.vjp(x, windows, reduce, axes=AXES, **common)[1](g)
        return len(made) if isinstance(made, tuple) else 1

    assert count("gem") == 1
    assert count(reductions.gem(p=4)) == 2
    assert count("gem", weights=np.ones(SHAPE)) == 2
    assert count(reductions.gem(p=4), weights=np.ones(SHAPE)) == 3


# --- laws -------------------------------------------------------------------------------------


@EACH
@given(st.data())
def test_random_gradients(reduction, data):
    """Any windows on any axes in any layout, with masks and weights: the slope along a line."""
    problem = data.draw(problems(data=("distinct",)))
    common = data.draw(commons(problem.x)) | {"axes": problem.axes}
    x, windows, reduce = problem.x / 4 + 9, problem.windows.build(), reduction.build()
    y, pullback = ap.vjp(x, windows, reduce, **common)
    assume(np.isfinite(y).all())  # a variance of less weight than its correction is nan
    rng = np.random.default_rng(11)
    g, line = rng.normal(size=y.shape), rng.normal(size=x.shape)
    high, low = (ap.pool(x + s * STEP * line, windows, reduce, **common) for s in (1, -1))
    close((parts(pullback(g))[0] * line).sum(), ((high - low) / (2 * STEP) * g).sum())


@pytest.mark.parametrize(
    "reduction", ["max", "min", "mean", "median", "quantile", "topk", "lse", "soft"]
)
@given(st.data())
def test_gradients_sum_to_the_incoming_gradient(reduction, data):
    """Every window hands on all it is given (windows with nothing real hand on nothing)."""
    problem = data.draw(problems(dtypes=(np.float64,)))
    x, real = problem.x, np.ones(problem.x.shape, bool)
    common = {"axes": problem.axes, "mask": real}
    y, pullback = ap.vjp(x, problem.windows.build(), reduction, **common)
    g = np.random.default_rng(10).normal(size=y.shape)
    gx = parts(pullback(g))[0]
    counts = ap.pool(np.ones_like(x), problem.windows.build(), "sum", **common)
    np.testing.assert_allclose(gx.sum(), g[counts > 0].sum(), rtol=1e-9, atol=1e-9)
    assert gx.shape == x.shape
    assert gx.dtype == x.dtype


@EACH
@given(st.data())
def test_gradient_is_the_same_for_any_layout_and_threads(reduction, data):
    problem = data.draw(problems(dtypes=(np.float64,), layouts=("C",)))
    x, windows = problem.x, problem.windows.build()
    how = data.draw(st.sampled_from(["F", "reversed", "sliced", "turned"]))

    def gradient(x, threads):
        y, pullback = ap.vjp(x, windows, reduction.build(), axes=problem.axes, threads=threads)
        return parts(pullback(np.cos(np.arange(y.size)).reshape(y.shape)))

    three = gradient(x, 1), gradient(x, 3), gradient(relayout(x, how), 1)
    for a, b, c in zip(*three, strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
        np.testing.assert_allclose(c, a, rtol=1e-9, atol=1e-9)


@pytest.mark.slow
@EACH
@pytest.mark.parametrize("spec", [PARTS["k3s2p1"], PARTS["adaptive"]], ids=["k3s2p1", "adaptive"])
def test_same_bits_for_any_number_of_threads(spec, reduction):
    """Large enough that the threads really share the work."""
    x = sample((3, 8, 61, 67), np.float64, 11)
    results = []
    for threads in (1, 2, 3, 5):
        y, pullback = ap.vjp(
            x, spec.build(), reduction.build(), axes=AXES, ties="split", threads=threads
        )
        g = np.cos(np.arange(y.size)).reshape(y.shape)
        results.append((y.tobytes(), *(np.asarray(p).tobytes() for p in parts(pullback(g)))))
    assert len(set(results)) == 1


@pytest.mark.parametrize("make", [ap.reductions.lp, ap.reductions.gem])
def test_a_norm_of_endless_power_gives_all_to_its_largest(make):
    x = np.random.default_rng(3).uniform(0.1, 9.0, (200, 7))
    _, pullback = ap.vjp(x, ap.windows.whole(), make(np.inf), axes=(1,))
    expected = (x == x.max(1, keepdims=True)) * 1.0
    np.testing.assert_array_equal(pullback(np.ones((200, 1)))[0], expected)
