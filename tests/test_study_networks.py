"""The networks and arms of the study: the tutorial's exactly, all alike but for the pooling."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
from torch import nn  # noqa: E402

from anypool.errors import PoolError  # noqa: E402
from anypool.study import arms, networks  # noqa: E402
from anypool.study.networks import build  # noqa: E402

NEEDS = {"quantile": "quantile:q=0.8"}  # a parameter without which there is no such pooling
HEADS = [NEEDS.get(name, name) for name in arms.HEADS]


def parameters(model):
    return sum(p.numel() for p in model.parameters())


def by_hand(pool):
    """The tutorial's network as its text has it."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 10, 1), pool(3), nn.Flatten(), nn.Sigmoid(),
    )  # fmt: skip


@pytest.mark.parametrize(("arm", "pool"), [("avg", nn.AvgPool2d), ("max", nn.MaxPool2d)])
def test_the_tutorials_network_is_the_tutorials(arm, pool):
    ours, theirs = build("tutorial", "head", arm, 1, 10, (28, 28)), by_hand(pool)
    pairs = zip(ours.parameters(), theirs.parameters(), strict=True)
    for mine, other in pairs:
        other.data.copy_(mine.data)
    x = torch.rand(5, 1, 28, 28)
    torch.testing.assert_close(ours(x), theirs(x))
    assert parameters(ours) == 18370


def test_plain_is_the_tutorials_without_the_sigmoid():
    tutorial, plain = (build(n, "head", "max", 1, 10, (28, 28)) for n in ("tutorial", "plain"))
    plain.load_state_dict(tutorial.state_dict())
    x = torch.rand(2, 1, 28, 28)
    torch.testing.assert_close(plain(x).sigmoid(), tutorial(x))


def test_small_is_small():
    assert parameters(build("small", "head", "avg", 1, 10, (28, 28))) <= 150_000


def test_the_classical_design_is_an_arm_and_a_network():
    arm = build("plain", "head", "flatten", 1, 10, (28, 28))
    network = build("classical", "inner", "max", 1, 10, (28, 28))
    assert parameters(arm) == parameters(network)
    assert any(isinstance(m, nn.Dropout) for m in arm.modules())
    with pytest.raises(PoolError, match="classical has its head fixed"):
        build("classical", "head", "avg", 1, 10, (28, 28))


def test_the_tutorials_worked_example():
    """Eight maps of 3x3, a 1x1 convolution to four, a global pooling: a vector of four."""
    maps = nn.Conv2d(8, 4, 1)(torch.rand(2, 8, 3, 3))
    assert arms.Head("avg", arms.Site(4, (3, 3)))(maps).shape == (2, 4)


def trained_one_step(model, size):
    x = torch.randn(4, 3, *size)
    loss = nn.functional.cross_entropy(model(x), torch.tensor([0, 1, 2, 3]))
    loss.backward()
    return [p.grad for p in model.parameters()]


@pytest.mark.parametrize("arm", [*HEADS, "avg+max", "gem:p=2:learnable=false"])
def test_every_head_learns(arm):
    torch.manual_seed(0)
    model = build("small", "head", arm, 3, 4, (20, 17))
    grads = trained_one_step(model, (20, 17))
    assert all(g is not None and torch.isfinite(g).all() for g in grads)
    assert grads[0].abs().sum() > 0


@pytest.mark.parametrize("arm", arms.INNERS)
def test_every_inner_pooling_learns(arm):
    torch.manual_seed(0)
    model = build("small", "inner", arm, 3, 4, (20, 17))
    grads = trained_one_step(model, (20, 17))
    assert all(g is not None and torch.isfinite(g).all() for g in grads)
    assert grads[0].abs().sum() > 0


def shared(model, other):
    """The tensors that two networks have in common, by name and shape."""
    theirs = other.state_dict()
    mine = model.state_dict().items()
    return [(t, theirs[n]) for n, t in mine if n in theirs and t.shape == theirs[n].shape]


@pytest.mark.parametrize(
    ("place", "names"),
    [("head", ["attention", "flatten", "avg+max"]), ("inner", ["lip", "strided"])],
)
def test_arms_start_from_the_same_tensors(place, names):
    def made(arm):
        torch.manual_seed(7)
        return build("small", place, arm, 1, 10, (28, 28))

    first = made("max")
    for name in names:
        pairs = shared(first, made(name))
        assert len(pairs) >= 25
        assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("arm", [a for a in HEADS if arms.any_size(a)])
def test_global_heads_take_sizes_they_have_not_seen(arm):
    model = build("small", "head", arm, 1, 10, (28, 28)).eval()
    assert model(torch.rand(2, 1, 37, 21)).shape == (2, 10)


def test_a_pyramid_can_have_its_own_bins():
    assert arms.Head("pyramid:bins=(1,3)", arms.Site(5, (6, 6))).mix.in_features == 50


@pytest.mark.parametrize(
    ("place", "arm", "words"),
    [
        ("head", "agv", "no head is called 'agv'; did you mean avg"),
        ("inner", "blurr", "no inner pooling is called 'blurr'; did you mean blur"),
        ("inner", "max+avg", "only a head can"),
        ("head", "gem:p", "write it as name=value"),
        ("head", "gem:q=3", "arm 'gem:q=3' cannot be built"),
        ("head", "+max", "lacks a name"),
        ("head", "mixed:share=2", "must be from 0 to 1"),
        ("top", "avg", "stands at head or inner, not at 'top'"),
    ],
)
def test_arms_that_make_no_sense(place, arm, words):
    with pytest.raises(PoolError, match=words.replace("+", r"\+")):
        arms.check(place, [arm])


def test_unknown_networks_and_images_too_small():
    with pytest.raises(PoolError, match="no network is called 'smal'; did you mean small"):
        build("smal", "head", "avg", 1, 10, (28, 28))
    with pytest.raises(PoolError, match="network 'nowhere:f' cannot be found"):
        build("nowhere:f", "head", "avg", 1, 10, (28, 28))
    with pytest.raises(PoolError, match="images of 3x3 do not fit this network"):
        build("tutorial", "head", "avg", 1, 10, (3, 3))


def slotted(pool, channels, classes):
    return nn.Sequential(nn.Conv2d(channels, classes, 3), pool(classes, (26, 26)))


def ready_made(classes):
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.MaxPool2d(2), nn.Conv2d(6, classes, 1), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )  # fmt: skip


def test_a_network_of_ones_own_with_a_slot():
    model = build(slotted, "head", "flatten", 1, 4, (28, 28))
    assert model(torch.rand(2, 1, 28, 28)).shape == (2, 4)


@pytest.mark.parametrize(("place", "arm", "at"), [("head", "gem", 3), ("inner", "blur", 1)])
def test_a_network_of_ones_own_has_its_pooling_exchanged(place, arm, at):
    model = build(ready_made, place, arm, 1, 5, (28, 28))
    assert model(torch.rand(2, 1, 28, 28)).shape == (2, 5)
    assert not isinstance(model[at], nn.AdaptiveAvgPool2d | nn.MaxPool2d)
    assert model.training
    assert not model[at]._forward_pre_hooks


def test_a_network_without_pooling_is_refused():
    with pytest.raises(PoolError, match="no pool= argument and no global or adaptive pooling"):
        build(lambda: nn.Conv2d(1, 2, 3), "head", "avg", 1, 2, (8, 8))


def test_every_network_and_arm_says_what_it_is():
    tables = (networks.NETWORKS, arms.HEADS, arms.INNERS)
    assert all(words and len(words) < 90 for table in tables for _, words in table.values())
