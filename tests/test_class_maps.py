"""Class maps: every cell's part of every score, and the sums that prove it."""

import math
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
for package in ("matplotlib", "PIL"):
    pytest.importorskip(package, reason=f"{package} is not installed")
import torch.nn.functional as F  # noqa: E402, N812
from torch import nn  # noqa: E402

import anypool.torch as at  # noqa: E402
from anypool import see  # noqa: E402
from anypool.errors import PoolError  # noqa: E402
from inside_toys import classic, maps_to_scores, mlp  # noqa: E402

RNG = np.random.default_rng(1)
X = RNG.standard_normal((3, 2, 7, 5)).astype(np.float32)
CELLS = (7, 5)


def assert_adds_up(found, share=1e-5):
    """Cells and bias are the score: within a share of the largest score of each image."""
    assert found.exact, found.why
    sums = found.contributions.sum(tuple(range(2, found.contributions.ndim))) + found.bias
    most = np.abs(found.scores).max(1, keepdims=True)
    assert (np.abs(sums - found.scores) <= share * most).all()


def tampered(found, cell):
    from dataclasses import replace

    changed = found.contributions.copy()
    changed[(1, 0, *cell)] += 2e-5 * np.abs(found.scores[1]).max()
    return replace(found, contributions=changed)


def test_a_missing_part_is_noticed():
    found = see.class_maps(maps_to_scores(nn.AdaptiveAvgPool2d(1)), X)
    assert_adds_up(found)
    with pytest.raises(AssertionError, match="all"):
        assert_adds_up(tampered(found, (3, 2)))


# -- every pooling ------------------------------------------------------------------------------

POOLS = {
    "nn avg": nn.AvgPool2d(CELLS),
    "nn max": nn.MaxPool2d(CELLS),
    "nn lp": nn.LPPool2d(2, CELLS),
    "nn adaptive avg": nn.AdaptiveAvgPool2d(1),
    "nn adaptive max": nn.AdaptiveMaxPool2d(1),
    "nn partial avg": nn.AvgPool2d(4),
    "at avg": at.AvgPool2d(CELLS),
    "at max": at.MaxPool2d(CELLS),
    "at lp 3": at.LPPool2d(3, CELLS),
    "at adaptive avg": at.AdaptiveAvgPool2d(1),
    "at adaptive max": at.AdaptiveMaxPool2d(1),
    "avg": at.GlobalAvgPool2d(),
    "max": at.GlobalMaxPool2d(),
    "min": at.GlobalMinPool2d(),
    "sum": at.GlobalSumPool2d(),
    "gem": at.GlobalGeMPool2d(),
    "gem p=1.5": at.GlobalGeMPool2d(p=1.5, learnable=False),
    "gem of each map": at.GlobalGeMPool2d(channels=4),
    "lse": at.GlobalLSEPool2d(),
    "lse r=0.3": at.GlobalLSEPool2d(r=0.3),
    "lse r=-2": at.GlobalLSEPool2d(r=-2.0),
    "lse of each map": at.GlobalLSEPool2d(channels=4),
    "soft": at.GlobalSoftPool2d(),
    "soft beta=-1": at.GlobalSoftPool2d(beta=-1.0),
    "median": at.GlobalMedianPool2d(),
    "quantile": at.GlobalQuantilePool2d(q=0.8),
    "topk": at.GlobalTopKPool2d(k=4),
    "stochastic": at.GlobalStochasticPool2d(),
    "std": at.GlobalStdPool2d(),
    "var": at.GlobalVarPool2d(correction=1),
    "attention": at.AttentionPool(4, 8),
    "mixed": at.MixedPool2d(CELLS, share=0.3),
    "avg beside max": at.ConcatPool(("avg", "max")),
    "statistics": at.StatisticsPool(),
    "pyramid": at.PyramidPool((1, 2), "max", flatten=True),
    "a convolution": nn.Conv2d(4, 4, CELLS),
    "a grouped one": nn.Conv2d(4, 4, CELLS, groups=4),
}


@pytest.fixture(params=POOLS)
def pool(request):
    return POOLS[request.param]


def as_many(pool):
    """How many numbers the pooling makes of four maps."""
    with torch.no_grad():
        return pool.eval()(torch.rand(2, 4, *CELLS)).flatten(1).shape[1]


def test_the_map_before_the_pool_is_the_class_map(pool):
    assert_adds_up(see.class_maps(maps_to_scores(pool), X))


def test_a_linear_layer_behind_weighs_them(pool):
    linear = nn.Linear(as_many(pool), 3)
    found = see.class_maps(nn.Sequential(*maps_to_scores(pool), linear), X)
    assert_adds_up(found)
    if not isinstance(pool, nn.Conv2d):
        np.testing.assert_allclose(found.bias, np.tile(linear.bias.detach(), (3, 1)), rtol=1e-5)


def test_relu_before_it_leaves_maps_of_zeros(pool):
    net = maps_to_scores(nn.Sequential(nn.ReLU(inplace=True), pool))
    net[0].bias.data[1] = -100.0
    found = see.class_maps(net, X)
    assert_adds_up(found)
    assert np.isfinite(found.contributions).all()


@pytest.mark.parametrize(
    ("pool", "x"),
    [
        (at.GlobalLSEPool1d(), X[:, :, :, 0]),
        (nn.AdaptiveMaxPool1d(1), X[:, :, :, 0]),
        (at.GlobalSoftPool3d(), RNG.standard_normal((2, 2, 3, 4, 5)).astype(np.float32)),
        (nn.AdaptiveAvgPool3d(1), RNG.standard_normal((2, 2, 3, 4, 5)).astype(np.float32)),
    ],
)
def test_signals_and_volumes(pool, x):
    convolution = nn.Conv1d if x.ndim == 3 else nn.Conv3d
    found = see.class_maps(nn.Sequential(convolution(2, 3, 1), pool, nn.Flatten()), x)
    assert_adds_up(found)
    assert found.contributions.shape == (len(x), 3, *x.shape[2:])
    assert found._repr_png_()


# -- the rules, by hand -------------------------------------------------------------------------


def maps_and_parts(pool):
    """The class maps and what each cell adds, both (N, 4, H, W), float64."""
    net = maps_to_scores(pool)
    maps = see.features(net, X, 0).maps.astype(np.float64)
    return maps, see.class_maps(net, X).contributions


def test_under_the_average_each_cell_counts_its_share():
    maps, parts = maps_and_parts(nn.AdaptiveAvgPool2d(1))
    np.testing.assert_allclose(parts, maps / 35, rtol=1e-6)


@pytest.mark.parametrize(
    ("pool", "best"), [(nn.AdaptiveMaxPool2d(1), np.max), (POOLS["min"], np.min)]
)
def test_under_max_the_winner_counts_alone(pool, best):
    maps, parts = maps_and_parts(pool)
    assert ((parts != 0).sum((2, 3)) == 1).all()
    np.testing.assert_allclose(parts.sum((2, 3)), best(maps, (2, 3)), rtol=1e-6)
    assert ((parts != 0) <= (maps == best(maps, (2, 3), keepdims=True))).all()


def test_lp_counts_by_the_power():
    maps, parts = maps_and_parts(POOLS["at lp 3"])
    y = (np.abs(maps) ** 3).sum((2, 3), keepdims=True) ** (1 / 3)
    np.testing.assert_allclose(parts, np.abs(maps) ** 3 / y**2, rtol=1e-5, atol=1e-9)


def test_soft_counts_weight_times_value():
    maps, parts = maps_and_parts(POOLS["soft"])
    weights = np.exp(maps) / np.exp(maps).sum((2, 3), keepdims=True)
    np.testing.assert_allclose(parts, weights * maps, rtol=1e-5, atol=1e-9)


def lse(maps, r):
    n = maps[0, 0].size
    return np.log(np.exp(r * maps).sum((2, 3), keepdims=True) / n) / r


@pytest.mark.parametrize("r", [-2.0, 0.3, 10.0])
def test_lse_is_a_weighted_mean_less_the_cost_of_being_uneven(r):
    """Each cell pays its own term of KL(q || 1/N) / r, which is never negative."""
    maps, parts = maps_and_parts(at.GlobalLSEPool2d(r=r))
    weights = np.exp(r * (maps - lse(maps, r))) / 35
    cost = (weights * np.log(35 * weights) - weights + 1 / 35) / r
    np.testing.assert_allclose(parts, weights * maps - cost, rtol=1e-4, atol=1e-7)
    assert (cost * r >= -1e-12).all()


def test_lse_goes_from_the_average_to_the_max():
    average, maximum = (maps_and_parts(POOLS[name])[1] for name in ("avg", "max"))
    np.testing.assert_allclose(maps_and_parts(at.GlobalLSEPool2d(r=1e-5))[1], average, atol=1e-5)
    sharp = maps_and_parts(at.GlobalLSEPool2d(r=3000.0))[1]
    np.testing.assert_allclose(sharp, maximum, atol=2e-3)


def test_gem_counts_by_the_power_of_what_lies_above_eps():
    maps, parts = maps_and_parts(POOLS["gem"])
    u = np.maximum(maps, 1e-6)
    y = (u**3).mean((2, 3), keepdims=True) ** (1 / 3)
    np.testing.assert_allclose(parts, y * u**3 / (u**3).sum((2, 3), keepdims=True), rtol=1e-4)


def test_spread_counts_by_squared_distance():
    maps, parts = maps_and_parts(POOLS["std"])
    far = (maps - maps.mean((2, 3), keepdims=True)) ** 2
    np.testing.assert_allclose(parts, far / far.sum((2, 3), keepdims=True)
                               * maps.std((2, 3), keepdims=True), rtol=1e-5)  # fmt: skip


def test_a_users_own_pooling_is_measured():
    class Cubes(nn.Module):
        def forward(self, x):
            return (x**3).mean((2, 3))

    maps, parts = maps_and_parts(Cubes())
    np.testing.assert_allclose(parts, maps**3 / 35, rtol=1e-5)
    assert "x · dy/dx" in see.class_maps(maps_to_scores(Cubes()), X).why


# -- whole networks -----------------------------------------------------------------------------


class Functional(nn.Module):
    """A network whose pooling is no layer."""

    def __init__(self, pooled, last=None):
        super().__init__()
        self.maps, self.linear = nn.Conv2d(2, 6, 3), nn.Linear(6, 3)
        self.pooled, self.last = pooled, last or (lambda y: y)

    def forward(self, x):
        return self.last(self.linear(self.pooled(F.relu(self.maps(x), inplace=True))))


FUNCTIONS = {
    "mean": lambda x: x.mean((2, 3)),
    "max": lambda x: x.amax((2, 3)),
    "adaptive": lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1),
    "mixed": lambda x: 0.5 * (x.amax((2, 3)) + x.mean((2, 3))),
    "norm": lambda x: (x**2).mean((2, 3)).sqrt(),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_pooling_that_is_no_layer(name):
    found = see.class_maps(Functional(FUNCTIONS[name]), X)
    assert_adds_up(found)
    assert found.layer == "maps (Conv2d)"


STEPS = {
    "a sigmoid layer": (nn.Sigmoid(), "sigmoid"),
    "a softmax layer": (nn.Softmax(1), "softmax"),
    "a sigmoid": (torch.sigmoid, "sigmoid"),
    "a log_softmax": (lambda y: F.log_softmax(y, 1), "log_softmax"),
    "a softmax, more axes": (lambda y: y.softmax(1)[:, :, None, None], "softmax"),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_last_sigmoid_or_softmax_is_set_aside(name):
    last, step = STEPS[name]
    net = Functional(lambda x: x.mean((2, 3)), last).eval()
    found = see.class_maps(net, X)
    assert_adds_up(found)
    assert found.step == step
    with torch.no_grad():
        assert np.allclose(found.output, net(torch.from_numpy(X)).flatten(1), atol=1e-6)
    assert found.predicted.tolist() == found.output.argmax(1).tolist()
    assert any(f"before the last {step}" in text.get_text() for text in found.figure().texts)


def test_a_softmax_inside_is_not_taken_for_the_last_step():
    net = nn.Sequential(*maps_to_scores(at.AttentionPool(4, 8)), nn.Linear(4, 3))
    assert see.class_maps(net, X).step == ""


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_types_of_number(dtype):
    found = see.class_maps(classic().to(dtype), X)
    assert_adds_up(found, 1e-12 if dtype is torch.float64 else 3e-2)
    assert found.error < (1e-12 if dtype is torch.float64 else 3e-2)


def test_several_poolings_of_the_same_maps():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.maps, self.linear = nn.Conv2d(2, 4, 3), nn.Linear(8, 3)
            self.soft, self.lse = at.GlobalSoftPool2d(), at.GlobalLSEPool2d()

        def forward(self, x):
            x = self.maps(x)
            return self.linear(torch.cat([self.soft(x), self.lse(x)], 1).flatten(1))

    found = see.class_maps(Both(), X)
    assert_adds_up(found)
    assert found.layer == "soft (GlobalSoftPool2d) and lse (GlobalLSEPool2d)"
    assert_adds_up(see.class_maps(Both(), X, ["lse", "soft"]))


def test_flatten_and_one_linear_layer():
    net = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(60, 3))
    found = see.class_maps(net, X)
    assert_adds_up(found)
    assert found.contributions.shape == (3, 3, 5, 3)


def test_pooling_of_windows_then_a_linear_layer():
    net = nn.Sequential(nn.Conv2d(2, 4, 2), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(24, 3))
    found = see.class_maps(net, X)
    assert_adds_up(found)
    assert found.why == "the largest cell of each window counts alone"


def test_a_mask_goes_along():
    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.maps, self.pool = nn.Conv2d(2, 3, 1), at.GlobalAvgPool2d(keepdims=False)

        def forward(self, x):
            mask = torch.ones(1, 1, *x.shape[2:], dtype=torch.bool)
            mask[..., 4:, :] = False
            return self.pool(self.maps(x), mask=mask)

    found = see.class_maps(Masked(), X)
    assert_adds_up(found)
    assert (found.contributions[:, :, 4:] == 0).all()


def test_the_pooling_may_be_named():
    net = classic()
    for pool in ("6", 6, net[6], [net[6]]):
        assert see.class_maps(net, X, pool).layer == "6 (AdaptiveAvgPool2d)"
    with pytest.raises(PoolError, match="no layer '66'; did you mean 6"):
        see.class_maps(net, X, "66")
    with pytest.raises(PoolError, match=r"8 .Linear. takes .1, 5., which are no maps"):
        see.class_maps(net, X, "8")
    with pytest.raises(PoolError, match="take different maps"):
        see.class_maps(net, X, ["3", "6"])


@pytest.fixture(scope="module")
def heads():
    pytest.importorskip("sklearn", reason="the study extra is not installed: sklearn")
    from anypool.study.arms import HEADS
    from anypool.study.networks import build

    words = ["quantile:q=0.8" if arm == "quantile" else arm for arm in HEADS]
    torch.manual_seed(0)
    return {
        arm: build("small", "head", arm, 2, 4, (16, 16)) for arm in [*words, "avg+max", "lse+topk"]
    }


def test_every_head_of_the_study(heads):
    """All that are linear behind their pooling; the classical one has layers between."""
    x = RNG.standard_normal((2, 2, 16, 16)).astype(np.float32)
    for arm, net in heads.items():
        if arm != "flatten":
            assert_adds_up(see.class_maps(net, x))


# -- where it is not exact ----------------------------------------------------------------------

camless = pytest.mark.skipif(
    not __import__("importlib.util").util.find_spec("torchcam"), reason="torchcam is not installed"
)


class TwoScales(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 4, 3), nn.Conv2d(4, 4, 2)
        self.avg, self.max = nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d(1)
        self.linear = nn.Linear(8, 3)

    def forward(self, x):
        early = self.first(x)
        late = self.second(early)
        return self.linear(torch.cat([self.avg(early), self.max(late)], 1).flatten(1))


class Bent(nn.Module):
    """A pooling that no rule fits."""

    def forward(self, x):
        return torch.tanh(x.mean((2, 3))) + x.amax((2, 3)).exp()


class Skipping(nn.Module):
    """A residual sum behind the last layer with maps: the image comes by another way too."""

    def __init__(self):
        super().__init__()
        self.maps, self.linear = nn.Conv2d(2, 2, 3, padding=1), nn.Linear(2, 3)

    def forward(self, x):
        return self.linear((self.maps(x) + x).mean((2, 3)))


NOT_EXACT = {
    "mlp": (mlp, r"behind 6 .AdaptiveAvgPool2d. is not linear, as measured .Flatten 7, Linear 8"),
    "norm": (lambda: nn.Sequential(*classic()[:-1], nn.LayerNorm(5), nn.Linear(5, 3)),
             "is not linear, as measured"),
    "two scales": (TwoScales, "see the image by another way than max"),
    "skipping": (Skipping, "see the image by another way than maps"),
    "bent": (lambda: maps_to_scores(Bent()), "1 .Bent. is not proportional to its maps"),
    "functional": (lambda: Functional(lambda x: x.mean((2, 3)).tanh()), "maps .Conv2d. is not"),
}  # fmt: skip


@camless
@pytest.mark.parametrize("name", NOT_EXACT)
def test_what_is_not_exact_says_so(name):
    import re

    net, why = NOT_EXACT[name]
    found = see.class_maps(net(), X)
    assert not found.exact
    assert re.search(why, found.why)
    assert (found.contributions >= 0).all()
    assert (found.bias == 0).all()
    said = [text.get_text() for text in found.figure().texts]
    assert any("approximate: Grad-CAM" in words for words in said)
    assert any(words.startswith("Not exact: ") for words in said)
    assert repr(found).startswith("<ClassMaps: approximate")


@camless
def test_approximate_maps_are_torchcams():
    from torchcam.methods import GradCAM

    net = mlp().eval()
    found = see.class_maps(net, X)
    with GradCAM(net, "5") as extractor:
        scores = net(torch.from_numpy(X))
        wanted = extractor(1, scores, normalized=False)[0]
    assert found.layer == "5 (ReLU)"
    np.testing.assert_allclose(found.contributions[:, 1], wanted, rtol=1e-5, atol=1e-9)


@camless
@pytest.mark.parametrize("frozen", [False, True])
def test_a_look_through_torchcam_leaves_no_trace(frozen):
    from inside_toys import changed, state_of

    net = mlp().requires_grad_(not frozen)
    before = state_of(net)
    assert not see.class_maps(net, X).exact
    assert changed(before, state_of(net)) == []


def test_without_torchcam_one_sentence_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchcam", None)
    monkeypatch.setitem(sys.modules, "torchcam.methods", None)
    with pytest.raises(PoolError, match=r"is not linear.*pip install 'anypool\[cam\]'"):
        see.class_maps(mlp(), X)
    assert see.class_maps(classic(), X).exact


def inferred():
    with torch.inference_mode():
        return classic()


@pytest.mark.parametrize(
    ("net", "words"),
    [
        (nn.Sequential(nn.Conv2d(2, 4, 3)), "gives no scores .N, classes., so there is nothing"),
        (nn.Sequential(nn.Flatten(), nn.Linear(70, 3)), "no layer of the model gives maps"),
        (nn.Sequential(*maps_to_scores(at.GlobalModePool2d())), "mode has no gradient"),
        (inferred(), "made under torch.inference_mode"),
        (nn.Sequential(nn.Conv2d(2, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Threshold(9e9, math.nan)),
         "scores that are not finite"),
    ],
)  # fmt: skip
def test_models_without_class_maps(net, words):
    with pytest.raises(PoolError, match=words):
        see.class_maps(net, X)


# -- figures ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found():
    return see.class_maps(classic(classes=5), X, true=[0, 1, 2], classes=["a", "b", "c", "d", "e"])


def test_the_figure_prints_the_sums(found):
    said = [text.get_text() for text in found.figure(1).texts]
    for k, name in enumerate(found.classes):
        assert name in said
        parts = found.contributions[1, k].sum(), found.bias[1, k], found.scores[1, k]
        for word, value in zip(("sum", "bias", "score"), parts, strict=True):
            assert f"{word} {value:.4f}".replace("-", "−") in said
    assert any(words.startswith("Exact: each cell counts x/N") for words in said)
    assert "true: b" in said


def shown(figure):
    return [ax.images[0] for ax in figure.axes if ax.images and ax.images[0].get_array().ndim == 2]


def test_every_class_has_the_same_scale_even_about_0(found):
    maps = shown(found.figure(2))[1:]
    assert len(maps) == 5
    limits = {image.get_clim() for image in maps}
    assert len(limits) == 1
    low, high = limits.pop()
    assert low == -high
    for image, part in zip(maps, found.contributions[2], strict=True):
        np.testing.assert_array_equal(image.get_array(), part)


def test_the_classes_to_draw(found):
    assert len(shown(found.figure(classes=["e", 0]))) == 3
    few = found.figure(2, most=2)
    assert "c" in [text.get_text() for text in few.texts]  # the true one is never left out
    with pytest.raises(PoolError, match="no class is called 'x'"):
        found.figure(classes=["x"])
    with pytest.raises(PoolError, match="at least 1 class must be drawn"):
        found.figure(most=0)


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_files(found, kind, tmp_path):
    path = found.save(tmp_path / f"maps.{kind}", 1, dpi=60)
    assert path.read_bytes() == found.save(tmp_path / f"again.{kind}", 1, dpi=60).read_bytes()


def test_the_overlay_colours_where_the_class_is_seen():
    """Red where a cell adds, blue where it takes away, nothing where it does neither."""
    from anypool.see.inside.overlay import _layer

    part = np.array([[1.0, 0.0], [-0.5, 0.25]])
    layer = _layer(part, 1.0, "nearest", (8, 8))
    assert layer[0, 0, 0] > layer[0, 0, 2]
    assert layer[1, 0, 2] > layer[1, 0, 0]
    alphas = [layer[place][3] for place in ((0, 1), (1, 1), (1, 0), (0, 0))]
    assert alphas == sorted(alphas)
    assert alphas[0] == 0
    smooth = _layer(part, 1.0, "smooth", (8, 8))
    assert smooth.shape == (320, 320, 4)
