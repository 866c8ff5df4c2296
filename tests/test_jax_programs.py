"""Kernels inside JAX's compiled programs: transformed in any order, exported, in threads."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import numpy as np
import pytest

import anypool as ap
from cases import sample
from same import assert_same

jax = pytest.importorskip("jax", reason="JAX is not installed")
import jax.numpy as jnp  # noqa: E402 - only where JAX is
from jax import export, lax  # noqa: E402

from anypool.jax import forms, jobs, proof, steps  # noqa: E402

if ap.kernels.why_not():
    pytest.skip(ap.kernels.why_not(), allow_module_level=True)

SHAPE = (4, 3, 12, 20)  # above the least that is worth a call
POOLS = {
    "max": lambda x: ap.max_pool(x, (3, 3), 2, 1),
    "avg": lambda x: ap.avg_pool(x, (3, 3), 2, 1),
    "adaptive": lambda x: ap.adaptive_max_pool(x, (5, 7)),
    "global": lambda x: ap.global_pool(x, "mean", axes=(-2, -1)),
}
EACH = pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)


def data(seed: int = 0, dtype: str = "float32", kind: str = "ties"):
    return jnp.asarray(sample(SHAPE, np.float32, seed, kind), dtype)


def calls(function, *args) -> bool:
    """Whether the compiled program calls us."""
    return "@anypool_" in jax.jit(function).lower(*args).as_text().replace("func @anypool", "")


def run(program: str, *, timeout: int = 120, **environment: str) -> str:
    """A program in a fresh process, which must end by itself."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, **environment}, timeout=timeout, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


# --- the numbers -------------------------------------------------------------------------------


def test_the_trial_passes_here():
    assert proof.why_not() == ""


@EACH
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_programs_call_the_kernels(pool, dtype):
    x = data(dtype=dtype)
    y, back = jax.vjp(jax.jit(pool), x)
    want = pool(np.asarray(x))
    g = np.random.default_rng(1).integers(-4, 5, want.shape).astype(want.dtype)
    assert calls(pool, x)
    assert_same(np.asarray(y), want, ulp=8, scale=4)
    windows, name = {
        "max": (ap.windows.sliding(3, 2, 1), "max"),
        "avg": (ap.windows.sliding(3, 2, 1), "mean"),
        "adaptive": (ap.windows.adaptive((5, 7)), "max"),
        "global": (ap.windows.whole(), "mean"),
    }[next(name for name, one in POOLS.items() if one is pool)]
    slope = ap.vjp(np.asarray(x), windows, name)[1](g)
    assert_same(np.asarray(jax.jit(back)(jnp.asarray(g))[0]), slope, ulp=8, scale=8)


NIGHTLY = pytest.mark.nightly
KINDS = [
    (name, dtype) for dtype in ("float32", "bfloat16") for name in ("max", "mean", "min", "sum")
]


@pytest.mark.parametrize(
    ("name", "dtype"), [*KINDS[:2], *(pytest.param(*kind, marks=NIGHTLY) for kind in KINDS[2:])]
)
@pytest.mark.parametrize(
    "windows",
    [
        ap.windows.sliding((3, 2), (2, 1), (1, 0)), ap.windows.adaptive((5, 7)),
        ap.windows.whole(keepdims=False), ap.windows.sliding(2, padding=3),
        ap.windows.sliding(9, 1, 4), ap.windows.sliding(3, dilation=2, ceil_mode=True),
    ],
    ids=str,
)  # fmt: skip
def test_steps_mean_what_their_plain_forms_mean(windows, name, dtype, monkeypatch):
    """On other devices, in exports and among devices the same steps are plain operations."""
    monkeypatch.setattr(steps.proof, "why_not", lambda: "not in this test")
    x = data(2, dtype)
    plan = ap.plan.make(x.shape, np.dtype(x.dtype), windows, ap.reductions.resolve(name), (2, 3),
                        ap.plan.Options())  # fmt: skip
    want = ap.pool(np.asarray(x), windows, name)
    y, back = jax.vjp(lambda x: steps.pool(x, plan).reshape(want.shape), x)
    assert_same(np.asarray(y), want, ulp=8, scale=SHAPE[2] * SHAPE[3] if name == "sum" else 4)
    g = np.random.default_rng(1).integers(-4, 5, want.shape).astype(want.dtype)
    slope = ap.vjp(np.asarray(x), windows, name)[1](g)
    assert_same(np.asarray(back(jnp.asarray(g))[0]), slope, ulp=8, scale=16)
    assert not calls(lambda x: steps.pool(x, plan), x)
    if name in ("max", "min"):
        y, taps = jax.jit(lambda x: forms.found(x, plan))(x)
        made = jobs.training(plan)
        kept = made.empty_taps()
        made.forward(np.asarray(x), np.empty_like(want).reshape(y.shape), kept)
        assert_same(np.asarray(taps), kept)


def test_indices_and_pyramids_come_from_the_kernels_too():
    x = data(4)
    for function in (
        lambda x: ap.max_pool(x, 3, 2, 1, return_indices=True),
        lambda x: ap.adaptive_max_pool(x, (5, 7), return_indices=True),
        lambda x: ap.pyramid_pool(x, (1, 2, 5), return_indices=True),
        lambda x: (ap.pyramid_pool(x, (1, 2, 5), "mean"),),
        lambda x: (ap.global_pool(x, "max", keepdims=False),),
        lambda x: ap.max_pool(x, 2, padding=3, fill=-5, return_indices=True),
    ):
        for got, want in zip(jax.jit(function)(x), function(np.asarray(x)), strict=True):
            assert_same(np.asarray(got), want, ulp=8, scale=4, check_dtype=False)
    assert calls(lambda x: ap.pyramid_pool(x, (1, 2, 5), return_indices=True), x)
    slope = jax.grad(lambda x: ap.pyramid_pool(x, (1, 2), return_indices=True)[0].sum())(x)
    want = ap.vjp(np.asarray(x), ap.windows.pyramid((1, 2)), "max")[1](np.ones((4, 3, 5), "f4"))
    assert_same(np.asarray(slope), want, ulp=8, scale=4)


# --- transformations in any order ----------------------------------------------------------------

CHANGES = {
    "jit": jax.jit,
    "vmap": lambda f: lambda x: jax.vmap(f)(jnp.stack([x, x * 2, -x]))[1],
    "last": lambda f: lambda x: jax.vmap(f, -1, -1)(jnp.stack([x, -x], -1))[..., 0],
    "grad": lambda f: jax.grad(lambda x: (jnp.sin(f(x)) ** 2).sum()),
    "jvp": lambda f: lambda x: jax.jvp(f, (x,), (jnp.cos(x),))[1],
    "remat": jax.checkpoint,
    "scan": lambda f: lambda x: lax.scan(lambda c, a: (c, f(a)), 0.0, jnp.stack([x, x + 1]))[1][0],
}
CHAINS = {
    tuple(random.Random(seed).choices(list(CHANGES), k=2 + seed % 3)): None for seed in range(60)
}


def composed(chain, pool, compiled: bool):
    def f(x):  # a new one each time: checkpoint keeps what it traced by the function
        return pool(x)

    for word in chain:
        f = CHANGES[word](f) if compiled or word != "jit" else f
    return jax.jit(f) if compiled else f


def agree(chain, pool, monkeypatch):
    """Compiled with kernels equals eager in plain operations."""
    x = data(3, kind="distinct") / 16
    if chain.count("grad") > 2:
        return
    got = composed(chain, pool, True)(x)
    monkeypatch.setattr(jobs, "training", lambda plan: None)
    want = composed(chain, pool, False)(x)
    assert_same(np.asarray(got), np.asarray(want), ulp=256, scale=np.abs(want).max())


@pytest.mark.parametrize(("chain", "pool"), [
    (("jit", "vmap", "grad"), "max"), (("grad", "vmap", "jit"), "max"),
    (("jvp", "grad", "vmap"), "avg"), (("grad", "jvp", "last"), "max"),
    (("scan", "grad", "jit"), "adaptive"), (("remat", "vmap", "grad"), "global"),
    (("vmap", "last", "grad"), "avg"), (("grad", "grad", "vmap"), "max"),
])  # fmt: skip
def test_transformations_compose(chain, pool, monkeypatch):
    agree(chain, POOLS[pool], monkeypatch)


@pytest.mark.nightly
@EACH
@pytest.mark.parametrize("chain", CHAINS, ids="-".join)
def test_transformations_compose_in_random_orders(chain, pool, monkeypatch):
    agree(chain, pool, monkeypatch)


def test_the_comparison_is_not_blind(monkeypatch):
    def pool(x):  # one more where `agree` has taken the kernels away
        return ap.max_pool(x, 3) + float(jobs.training.__name__ == "<lambda>")

    with pytest.raises(AssertionError, match="values differ"):
        agree(("vmap",), pool, monkeypatch)


# --- where programs go ---------------------------------------------------------------------------


def test_exported_programs_need_nothing_of_ours(tmp_path):
    x = data()

    def model(x):
        return (
            ap.adaptive_avg_pool(ap.max_pool(x, 3, 2, 1), (3, 4))
            + ap.gem_pool(x, 9, 8)[..., :1, :1]
        )

    made = export.export(jax.jit(model), platforms=("cpu", "cuda", "tpu"))(
        jax.ShapeDtypeStruct(x.shape, x.dtype)
    )
    assert "custom_call" not in made.mlir_module()
    (tmp_path / "model").write_bytes(made.serialize(vjp_order=1))
    np.save(tmp_path / "x.npy", np.asarray(x))
    program = f"""
import sys, numpy as np, jax
from jax import export
x = np.load({str(tmp_path / "x.npy")!r})
loaded = export.deserialize(bytearray(open({str(tmp_path / "model")!r}, "rb").read()))
np.save({str(tmp_path / "y.npy")!r}, loaded.call(x))
np.save({str(tmp_path / "g.npy")!r}, jax.grad(lambda x: loaded.call(x).sum())(x))
assert not any("anypool" in name for name in sys.modules)
"""
    run(program)
    assert_same(np.load(tmp_path / "y.npy"), np.asarray(jax.jit(model)(x)), ulp=64, scale=4)
    slope = jax.jit(jax.grad(lambda x: model(x).sum()))(x)
    assert_same(np.load(tmp_path / "g.npy"), np.asarray(slope), ulp=64, scale=4)


def test_programs_for_any_number_of_samples():
    x, mask = data(), jnp.asarray(np.random.default_rng(2).random(SHAPE) < 0.7)
    sizes = jnp.array([[12, 20], [5, 7], [9, 20], [12, 3]])

    def model(x, mask, sizes):
        y, at = ap.max_pool(x, 3, 2, 1, mask=mask, return_indices=True)
        more = ap.adaptive_avg_pool(x, 3, sizes=sizes), ap.avg_pool(x, 3, mask=mask[:1, :, :, :1])
        return y, at, *more, ap.max_pool(x, 3)

    [b] = export.symbolic_shape("b")
    shapes = [jax.ShapeDtypeStruct((b, *a.shape[1:]), a.dtype) for a in (x, mask, sizes)]
    made = export.export(jax.jit(model))(*shapes)
    slope = export.export(jax.jit(jax.grad(lambda x, *more: model(x, *more)[0].sum())))(*shapes)
    for n in (4, 2):
        args = x[:n], mask[:n], sizes[:n]
        for got, want in zip(made.call(*args), model(*args), strict=True):
            assert_same(np.asarray(got), np.asarray(want), ulp=16, scale=4)
        want = jax.grad(lambda x, n=n: model(x, mask[:n], sizes[:n])[0].sum())(x[:n])
        assert_same(np.asarray(slope.call(*args)), np.asarray(want))


@pytest.mark.parametrize(
    ("shape", "ask", "told"),
    [
        ("2, 3, h, 20", lambda x: ap.max_pool(x, 2), "axis 2 of x has the symbolic size h"),
        ("b, 20", ap.global_avg_pool, "axis 0 of x has the symbolic size b"),
        ("b, 3, 12, 20", lambda x: ap.stochastic_pool(x, 2, rng=0), "nothing can be drawn"),
    ],
)
def test_symbols_that_windows_cannot_be_laid_on(shape, ask, told):
    like = jax.ShapeDtypeStruct(export.symbolic_shape(shape), jnp.float32)
    with pytest.raises(ap.PoolError, match=told):
        export.export(jax.jit(ask))(like)


def test_programs_for_several_devices():
    program = f"""
import numpy as np, jax, jax.numpy as jnp, anypool as ap
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
x = np.random.default_rng(0).normal(size={SHAPE}).astype(np.float32)
pool = lambda x: ap.avg_pool(ap.max_pool(x, 3, 2, 1), 2)
loss = lambda x: (pool(x) ** 2).sum()
want, slope = pool(x), jax.jit(jax.grad(loss))(x)
assert len(jax.devices()) == 4
mesh = Mesh(np.array(jax.devices()), ("data",))
spread = jax.device_put(x, NamedSharding(mesh, P("data")))
def text(f, x): return jax.jit(f).lower(x).as_text().replace("func @anypool", "")
assert "@anypool_" not in text(pool, spread)
for y in (pool(spread), jax.jit(pool)(spread)):
    assert y.sharding.spec[0] == "data", y.sharding
    np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-6)
np.testing.assert_allclose(jax.jit(jax.grad(loss))(spread), slope, rtol=1e-5, atol=1e-6)
for check in (True, False):
    each = jax.shard_map(pool, mesh=mesh, in_specs=P("data"), out_specs=P("data"), check_vma=check)
    back = jax.shard_map(jax.grad(loss), mesh=mesh, in_specs=P("data"), out_specs=P("data"),
                         check_vma=check)
    np.testing.assert_allclose(jax.jit(each)(spread), want, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(jax.jit(back)(spread), slope, rtol=1e-5, atol=1e-6)
big = jax.device_put(np.tile(x, (4, 1, 4, 4)), NamedSharding(mesh, P("data")))
each = jax.shard_map(pool, mesh=mesh, in_specs=P("data"), out_specs=P("data"))
assert "@anypool_" in text(each, big)
print("done")
"""
    assert "done" in run(program, XLA_FLAGS="--xla_force_host_platform_device_count=4")


def test_programs_that_jax_keeps_on_disk(tmp_path):
    program = f"""
import numpy as np, jax, anypool as ap
jax.config.update("jax_compilation_cache_dir", {str(tmp_path)!r})
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
x = np.random.default_rng(0).normal(size={SHAPE}).astype(np.float32)
y = jax.jit(lambda x: ap.max_pool(x, 3, 2, 1) * 2)(x)
assert (np.asarray(y) == ap.max_pool(x, 3, 2, 1) * 2).all()
"""
    run(program)
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept
    run(program)
    assert sorted(path.name for path in tmp_path.iterdir()) == kept


# --- threads, and the end of a process ---------------------------------------------------------


def test_ten_thousand_calls_from_eight_threads():
    program = f"""
import threading, numpy as np, jax, jax.numpy as jnp, anypool as ap
x = jnp.asarray(np.random.default_rng(0).normal(size={SHAPE}).astype(np.float32))
big = jnp.asarray(np.random.default_rng(0).normal(size=(8, 16, 96, 96)).astype(np.float32))
f = jax.jit(lambda x: ap.avg_pool(ap.max_pool(jnp.tanh(x), 3, 2, 1), 2))
g = jax.jit(jax.grad(lambda x: (ap.max_pool(x * 2, 3, 2, 1) ** 2).sum()))
want, slope, large = np.asarray(f(x)), np.asarray(g(x)), np.asarray(g(big))
wrong, made = [], []
def caller(turn):
    for i in range(1250):
        made.append(None)
        y = f(x) if i % 2 else g(x)
        if i % 25 == 0:
            wrong.extend([i] * (not np.array_equal(y, want if i % 2 else slope)))
        if i % 250 == turn:
            wrong.extend([i] * (not np.array_equal(g(big), large)))
threads = [threading.Thread(target=caller, args=(turn,)) for turn in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(made), wrong)
"""
    assert run(program).strip() == "10000 []"


def test_a_process_ends_while_programs_still_run():
    program = """
import numpy as np, jax, jax.numpy as jnp, anypool as ap
big = jnp.asarray(np.random.default_rng(0).normal(size=(8, 16, 96, 96)).astype(np.float32))
g = jax.jit(jax.grad(lambda x: (ap.max_pool(jnp.sin(x), 3, 2, 1) ** 2).sum()))
g(big).block_until_ready()
for _ in range(40): y = g(big)
"""
    for _ in range(2):
        run(program, timeout=60)


# --- where the trial fails ---------------------------------------------------------------------


def test_wrong_numbers_are_noticed(monkeypatch):
    monkeypatch.setattr(proof, "FACTOR", 4)
    monkeypatch.setattr(proof, "NAME", "anypool_trial_of_a_wrong_answer")
    made = proof.jobs.register
    monkeypatch.setattr(proof.jobs, "register", lambda name, address: made(name, _other()))
    assert "gets wrong numbers from them" in proof._tried()


def _other() -> int:
    from anypool.kernels import steps

    return steps.trial(proof.SHAPE, 5, 1)


def test_a_trial_that_breaks_is_told(monkeypatch):
    def broken(name, address):
        raise RuntimeError("no such platform")

    monkeypatch.setattr(proof.jobs, "register", broken)
    assert "calls them in a way of its own: no such platform" in proof._tried()


def test_without_the_kernels_all_is_the_same(monkeypatch):
    from anypool import doctor

    x, before = data(5), jax.jit(POOLS["max"])(data(5))
    monkeypatch.setattr(proof, "why_not", lambda: "jax calls them in a way of its own")
    jax.clear_caches()
    assert not calls(POOLS["max"], x)
    assert_same(np.asarray(jax.jit(POOLS["max"])(x)), np.asarray(before))
    told = doctor.in_programs()["inside JAX's programs"]
    assert told.startswith("no: jax calls them in a way of its own; XLA's own operations")
    jax.clear_caches()


# --- what loads what -----------------------------------------------------------------------------


def test_numpys_arrays_load_no_jax():
    program = (
        "import sys, numpy as np, anypool as ap\n"
        "ap.max_pool(np.arange(6.0), 2), ap.vjp(np.arange(6.0), ap.windows.sliding(2))\n"
        "assert not {'jax', 'jaxlib', 'anypool.jax'} & set(sys.modules)\n"
        "import jax.numpy as jnp\n"
        "ap.max_pool(np.arange(6.0), 2)\n"
        "assert 'anypool.jax' not in sys.modules\n"
        "assert ap.max_pool(jnp.arange(6.0), 2).tolist() == [1, 3, 5]\n"
        "assert 'anypool.jax.front' in sys.modules\n"
    )
    run(program)


def test_without_jax_one_sentence_names_the_extra():
    program = (
        "import sys; sys.modules['jax'] = None\n"
        "import anypool\n"
        "try: anypool.jax\n"
        "except ModuleNotFoundError as error: print(error)\n"
    )
    assert "pip install 'anypool[jax]'" in run(program)


def test_nothing_leaks_from_a_trace():
    x = data(6)
    with jax.checking_leaks():
        jax.jit(lambda x, k: ap.stochastic_pool(x, 3, rng=k))(x, jax.random.key(0))
        jax.jit(lambda x, m: ap.avg_pool(x, 3, mask=m))(x, x > 0)
        jax.jit(jax.grad(lambda x: ap.max_pool(x, 3, 2).sum()))(x)


@pytest.mark.parametrize("shape", [(0, 3, 8, 8), (2, 0, 8, 8)])
def test_empty_batches(shape):
    for function in (lambda x: ap.max_pool(x, 2), lambda x: ap.adaptive_avg_pool(x, 3)):
        x = np.zeros(shape, np.float32)
        assert_same(np.asarray(jax.jit(function)(x)), function(x))
        assert jax.grad(lambda x, f=function: f(x).sum())(x).shape == shape
