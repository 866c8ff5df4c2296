"""The modules that torch.nn lacks: each against its formula written in plain PyTorch."""

# ruff: noqa: E402 - what needs PyTorch is imported only where PyTorch is

from __future__ import annotations

import copy
import math
import pickle

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import anypool as ap
import anypool.torch as at
from anypool.torch import layers
from same_torch import assert_tensors, tensor

F = torch.nn.functional
NAN = float("nan")
FORMULAS = {
    "GeM": lambda u, v: u.clamp(min=1e-6).pow(v[..., None]).mean(-1).pow(1 / v),
    "LSE": lambda u, v: (torch.logsumexp(v[..., None] * u, -1) - math.log(u.shape[-1])) / v,
    "Soft": lambda u, v: (u * (v[..., None] * u).softmax(-1)).sum(-1),
}
FIRST = {"GeM": "p", "LSE": "r", "Soft": "beta"}


def windows(x: torch.Tensor, k: int = 2) -> torch.Tensor:
    """(N, C, H, W) as (N, C, outputs, outputs, k * k)."""
    return x.unfold(2, k, k).unfold(3, k, k).flatten(-2)


def image(shape=(2, 3, 8, 10), seed: int = 0) -> torch.Tensor:
    return (tensor(shape, torch.float64, seed, "plain").abs() / 2 + 0.1).requires_grad_()


# -- a parameter that is learnt -----------------------------------------------------------------


@pytest.mark.parametrize("channels", [None, 3])
@pytest.mark.parametrize("way", ["", "Adaptive", "Global"])
@pytest.mark.parametrize("name", FORMULAS)
def test_learnable(name, way, channels):
    """Value and every derivative equal autograd of the formula."""
    x, key = image(), FIRST[name]
    given = {"": (2,), "Adaptive": ((4, 5),), "Global": ()}[way]
    module = getattr(at, f"{way}{name}Pool2d")(*given, learnable=True, channels=channels).double()
    value = getattr(module, key)
    assert isinstance(value, torch.nn.Parameter)
    assert value.shape == (channels or 1,)
    with torch.no_grad():
        value += torch.arange(value.numel()) / 2
    u = windows(x) if way != "Global" else x.flatten(2)[:, :, None, None]
    apart = value.detach().clone().requires_grad_()
    want = FORMULAS[name](u, apart.reshape(-1, 1, 1))
    got = module(x)
    assert_tensors(got, want, ulp=64, layout=False)
    g = torch.rand(want.shape, dtype=torch.float64)
    for one, other in zip(torch.autograd.grad(got, (x, value), g),
                          torch.autograd.grad(want, (x, apart), g), strict=True):  # fmt: skip
        assert_tensors(one, other, ulp=1024, scale=1.0, layout=False)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("name", layers.NAMES)
def test_every_name_and_way_equals_the_door(name, rank):
    kind = layers.NAMES[name][0]
    x = tensor((2, 3, 7, 6, 8)[: 2 + rank], torch.float64, kind="plain").abs() + 0.1
    for way, given, where in (("", (3, 2), ap.windows.sliding(3, 2)),
                              ("Adaptive", (2,), ap.windows.adaptive(2)),
                              ("Global", (), ap.windows.whole())):  # fmt: skip
        module = getattr(at, f"{way}{name}Pool{rank}d")(*given).double().eval()
        want = ap.pool(x.numpy(), where, kind, axes=tuple(range(-rank, 0)))
        assert_tensors(module(x).detach(), torch.from_numpy(want), ulp=64, scale=3.0, layout=False)
        for made in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
            assert repr(made) == repr(module)
            assert_tensors(made(x), module(x))


@pytest.mark.parametrize("name", ["Max", "Avg"])
def test_global(name):
    x = image()
    want = x.amax((2, 3), keepdim=True) if name == "Max" else x.mean((2, 3), keepdim=True)
    kind = getattr(at, f"Global{name}Pool2d")
    assert_tensors(kind()(x), want, ulp=8, layout=False)
    assert kind(keepdims=False)(x).shape == (2, 3)
    assert kind()(x[0]).shape == (3, 1, 1)


def test_learning_moves_the_parameter():
    """GeM learns to be nearly the max where the max is wanted."""
    module, x = at.GlobalGeMPool2d(keepdims=False), torch.rand(8, 4, 6, 6)
    steps = torch.optim.Adam(module.parameters(), 0.5)
    before = module.p.item()
    for _ in range(10):
        steps.zero_grad()
        (module(x) - x.amax((2, 3))).square().mean().backward()
        steps.step()
    assert module.p.item() > before + 1
    assert list(module.state_dict()) == ["p"]
    assert "p=learnable" in repr(module)
    fixed = at.GeMPool2d(2, p=4, learnable=False)
    assert list(fixed.parameters()) == []
    assert "p=4" in repr(fixed)


# -- poolings made of several -------------------------------------------------------------------


def test_concat_has_the_order_named():
    x = image()
    mean, most = x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    assert_tensors(at.ConcatPool()(x), torch.cat([mean, most], 1), ulp=8, layout=False)
    other = at.ConcatPool(("max", "avg", "gem"), 2)(x)
    assert other.shape == (2, 9, 2, 2)
    assert_tensors(other[:, :3], F.adaptive_max_pool2d(x, 2), layout=False)
    assert_tensors(other[:, 3:6], F.adaptive_avg_pool2d(x, 2), ulp=8, layout=False)


def test_pyramid_of_images_of_different_sizes():
    """Each equals the image alone, and padding has no derivative."""
    images = [image((3, h, w), h)[0:3] for h, w in ((9, 12), (13, 7), (4, 4))]
    module = at.PyramidPool((1, 2, 3), flatten=True)
    batch = module(images)
    assert batch.shape == (3, 3 * 14)
    alone = torch.cat([module(one[None]) for one in images])
    assert_tensors(batch, alone, ulp=8, layout=False)
    slopes = torch.autograd.grad(batch.sum(), images)
    assert [s.shape for s in slopes] == [i.shape for i in images]
    for one, slope in zip(images, slopes, strict=True):
        (want,) = torch.autograd.grad(module(one[None]).sum(), one)
        assert_tensors(slope, want, layout=False)


def test_statistics_with_sizes():
    x = tensor((3, 4, 20), torch.float64, kind="plain")
    lengths = torch.tensor([[20], [7], [1]])
    for n, length in enumerate(lengths[:, 0].tolist()):
        x[n, :, length:] = NAN
    x.requires_grad_()
    got = at.StatisticsPool()(x, sizes=lengths)
    for n, length in enumerate(lengths[:, 0].tolist()):
        own = x[n, :, :length]
        want = torch.cat([own.mean(-1), own.std(-1, correction=0)])
        assert_tensors(got[n], want, ulp=64, scale=1.0, layout=False)
    (g,) = torch.autograd.grad(got[:2].sum(), x)
    assert g.isfinite().all()
    assert g[1, :, 7:].eq(0).all()


@pytest.mark.parametrize("gated", [True, False])
def test_attention_never_sees_padding(gated):
    torch.manual_seed(0)
    module = at.AttentionPool(4, 8, gated)
    x, mask = torch.rand(3, 4, 5, 6), torch.rand(3, 5, 6) < 0.6
    mask[2] = False
    outputs, slopes = [], []
    for filler in (0.0, 1e30, NAN, float("inf")):
        spoilt = torch.where(mask[:, None], x, filler).requires_grad_()
        y, weights = module(spoilt, mask=mask, return_weights=True)
        grads = torch.autograd.grad(y.square().sum(), [spoilt, *module.parameters()])
        outputs.append(y)
        slopes.append(grads)
        assert weights[~mask].eq(0).all()
        assert grads[0].masked_select(~mask[:, None]).eq(0).all()
    assert torch.allclose(weights[:2].sum((1, 2)), torch.ones(2))
    assert outputs[0][2].eq(0).all()
    for y, grads in zip(outputs[1:], slopes[1:], strict=True):
        assert_tensors(y, outputs[0])
        assert_tensors(grads, slopes[0])
    alone = module(x[:1, :, :, :][..., mask[0]])
    assert torch.allclose(outputs[0][:1], alone, atol=1e-6)
    assert module(x).shape == (3, 4)


def test_stochastic():
    """Draws follow torch.manual_seed while training; eval gives the expectation."""
    module, x = at.StochasticPool2d(2), image((2, 3, 20, 20))
    torch.manual_seed(1)
    first, second = module(x), module(x)
    torch.manual_seed(1)
    assert_tensors(module(x), first)
    assert not first.equal(second)
    u = windows(x)
    assert (u == first[..., None]).any(-1).all()
    expected = (u * u).sum(-1) / u.sum(-1)
    assert_tensors(module.eval()(x), expected, ulp=64, layout=False)
    many = torch.stack([module.train()(x.detach()) for _ in range(400)]).mean(0)
    assert (many - expected).abs().max() < 0.25
    (g,) = torch.autograd.grad(first.sum(), x)
    assert g.sum().item() == first.numel()


def test_mixed():
    x, module = image(), at.MixedPool2d(2, share=0.3)
    want = 0.3 * F.max_pool2d(x, 2) + 0.7 * F.avg_pool2d(x, 2)
    assert_tensors(module(x), want, ulp=16, layout=False)
    assert "share=0.3" in repr(module)


def test_blur_and_max_blur():
    x = image()
    taps = torch.tensor([1.0, 2, 1], dtype=torch.float64) / 4
    filters = (taps[:, None] * taps).expand(3, 1, 3, 3)

    def blurred(x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), filters, stride=2, groups=3)

    assert_tensors(at.BlurPool2d()(x), blurred(x), ulp=32, scale=2.0, layout=False)
    most = F.max_pool2d(x, 2, 1)
    assert_tensors(at.MaxBlurPool2d()(x), blurred(most), ulp=32, scale=2.0, layout=False)
    want = ap.blur_pool(x.detach().numpy(), 4, 2, mode="zero", axes=(2, 3))
    assert_tensors(at.BlurPool2d(4, mode="zero")(x).detach(), torch.from_numpy(want), ulp=32,
                   scale=2.0, layout=False)  # fmt: skip


def test_roi():
    x = image((2, 3, 12, 14))
    boxes = torch.tensor([[0, 1, 2, 9, 11], [1, 0, 0, 12, 14], [1, 5, 5, 6, 6]])
    got = at.RoIPool((2, 3), "mean")(x, boxes)
    for one, (n, top, left, bottom, right) in zip(got, boxes.tolist(), strict=True):
        want = F.adaptive_avg_pool2d(x[n, :, top:bottom, left:right], (2, 3))
        assert_tensors(one, want, ulp=8, layout=False)
    assert torch.autograd.grad(got.sum(), x)[0].sum().item() == pytest.approx(got.numel())


def test_strided_convolution():
    module = at.StridedConv2d(3, 2)
    assert isinstance(module, torch.nn.Conv2d)
    assert module(torch.rand(2, 3, 8, 10)).shape == (2, 3, 4, 5)
    assert (module.stride, module.weight.shape) == ((2, 2), (3, 3, 2, 2))
