"""The modules with torch.nn's names are torch.nn's: repr, state, pickles, hooks, swap and undo."""

# ruff: noqa: E402 - what needs PyTorch is imported only where PyTorch is

from __future__ import annotations

import copy
import io
import pickle

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import anypool as ap
import anypool.torch as at
from anypool.torch import dropin
from same_torch import assert_tensors, gradient, tensor

nn = torch.nn
SHAPES = {1: (2, 8, 301), 2: (2, 8, 24, 26), 3: (2, 8, 9, 10, 12)}


def arguments(name: str) -> list[tuple[tuple, dict]]:
    """Some ways in which a module is made."""
    rank = int(name[-2])
    if name.startswith("Max") and "Un" not in name:
        return [((2,), {}), ((3, 2, 1), {}), ((3,), {"stride": 2, "ceil_mode": True}),
                ((3, 2), {"padding": 1, "dilation": 2, "return_indices": True}),
                (((3,) * rank,), {})]  # fmt: skip
    if name.startswith("Avg"):
        divisor = [] if rank == 1 else [((2,), {"divisor_override": 3})]
        return [((2,), {}), ((3, 2, 1, True), {"count_include_pad": False}), *divisor]
    if name.startswith("LP"):
        return [((2, 3), {}), ((1.5, 2), {"stride": 3})]
    if name.startswith("AdaptiveMax"):
        return [((5,), {}), ((4,), {"return_indices": True}), (((3,) * rank,), {})]
    if name.startswith("Adaptive"):
        none = [] if rank == 1 else [(((None,) + (3,) * (rank - 1),), {})]
        return [((5,), {}), ((1,), {}), *none]
    if name.startswith("Fractional"):
        samples = torch.full((2, 8, rank), 0.3)
        return [((2,), {"output_size": 4, "_random_samples": samples}),
                ((3,), {"output_ratio": (0.5,) * rank, "_random_samples": samples,
                        "return_indices": True})]  # fmt: skip
    return [((2,), {}), ((2, 2, 0), {})]


CALLS = [(name, n) for name in dropin.__all__ for n in range(len(arguments(name)))]
EACH = pytest.mark.parametrize(("name", "number"), CALLS, ids=[f"{a}-{b}" for a, b in CALLS])


def both(name: str, number: int) -> tuple[nn.Module, nn.Module]:
    args, kwargs = arguments(name)[number]
    return getattr(at, name)(*args, **kwargs), getattr(nn, name)(*args, **kwargs)


def inputs(name: str) -> tuple:
    x = tensor(SHAPES[int(name[-2])], kind="plain").abs() + 0.1
    if not name.startswith("MaxUn"):
        return (x.requires_grad_(),)
    y, indices = getattr(nn.functional, f"max_pool{name[-2]}d")(x, 2, return_indices=True)
    return y.requires_grad_(), indices


def test_every_pooling_of_torch_nn_is_there():
    theirs = {name for name in dir(nn) if "Pool" in name or "Unpool" in name}
    assert theirs == set(dropin.__all__)


@EACH
def test_same_outputs_and_derivatives(name, number):
    ours, theirs = both(name, number)
    x, *rest = inputs(name)
    got, want = ours(x, *rest), theirs(x, *rest)
    ulp = 64 if name.startswith("LP") else 8 if "Avg" in name else 0
    assert_tensors(got, want, ulp=ulp, scale=3.0, layout=False)
    assert_tensors(gradient(got, x), gradient(want, x), ulp=2 * ulp, scale=8.0, layout=False)


@EACH
def test_the_same_module_to_look_at(name, number):
    ours, theirs = both(name, number)
    assert repr(ours) == repr(theirs)
    assert ours.extra_repr() == theirs.extra_repr()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert isinstance(ours, type(theirs))
    assert {k for k in vars(ours) if k != "_forward_hooks"} == {
        k for k in vars(theirs) if k != "_forward_hooks"
    }
    assert type(ours).__module__.startswith("anypool.torch")


@EACH
def test_copies(name, number):
    """Pickled, deep-copied, saved and loaded it does the same."""
    ours, _ = both(name, number)
    given = inputs(name)
    want = ours(*given)
    room = io.BytesIO()
    torch.save(ours, room)
    room.seek(0)
    copies = [pickle.loads(pickle.dumps(ours)), copy.deepcopy(ours), copy.copy(ours),
              torch.load(room, weights_only=False)]  # fmt: skip
    for made in copies:
        assert type(made) is type(ours)
        assert_tensors(made(*given), want)


@pytest.mark.parametrize("name", [n for n in dropin.__all__ if n.startswith(("Max", "Adaptive"))
                                  and "Un" not in n])  # fmt: skip
def test_mask_and_sizes(name):
    """The poolings of torch.nn take what is real, too."""
    rank = int(name[-2])
    x = tensor(SHAPES[rank], kind="plain")
    mask = torch.rand(x.shape, generator=torch.Generator().manual_seed(0)) < 0.6
    module = getattr(at, name)(3)
    windows = ap.windows.adaptive(3) if "Adaptive" in name else ap.windows.sliding(3)
    want = ap.pool(x.numpy(), windows, "mean" if "Avg" in name else "max",
                   axes=tuple(range(-rank, 0)), mask=mask.numpy())  # fmt: skip
    assert_tensors(module(x, mask=mask), torch.from_numpy(want), ulp=8, scale=3.0, layout=False)


# -- a user's code with another import ----------------------------------------------------------

CODE = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(inplace=True), {pool}.MaxPool2d(2),
            nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(inplace=True),
            {pool}.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        self.pool = {pool}.AdaptiveAvgPool2d((2, 2))
        self.last = nn.Linear(32, 10)

    def forward(self, x):
        return self.last(torch.flatten(self.pool(self.features(x)), 1))
"""


def network(pool: str) -> nn.Module:
    room = {"nn": nn, "torch": torch, "at": at}
    exec(CODE.format(pool=pool), room)
    torch.manual_seed(0)
    return room["Net"]()


def test_a_network_with_another_import():
    """Training goes the same way, and the states are interchangeable."""
    ours, theirs = network("at"), network("nn")
    ours.load_state_dict(theirs.state_dict())
    x = torch.rand(4, 1, 28, 28)
    for model in (ours, theirs):
        steps = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(3):
            steps.zero_grad()
            model(x).square().sum().backward()
            steps.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)


# -- swap ---------------------------------------------------------------------------------------


class Mine(nn.MaxPool2d):
    """A user's own."""


def model() -> nn.Module:
    made = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.MaxPool2d(3, 2, 1), nn.Sequential(nn.AvgPool2d(2), Mine(2)),
        nn.AdaptiveMaxPool2d(2), nn.AdaptiveAvgPool2d(1),
    )  # fmt: skip
    return made.eval()


def test_swap_and_undo():
    net, x = model(), torch.rand(2, 1, 40, 44)
    want, classes = net(x), [type(m) for m in net.modules()]
    words, state = repr(net), list(net.state_dict())
    seen: list[str] = []
    handle = net[1].register_forward_hook(lambda *_: seen.append("hook"))
    same = net[1]
    swapped = at.swap(net)
    assert swapped.names == ["1", "2.0", "3", "4"]
    assert "4 modules: 1, 2.0, 3, 4" in repr(swapped)
    assert (net[1], type(net[1]), type(net[2][1])) == (same, at.MaxPool2d, Mine)
    assert (repr(net), list(net.state_dict())) == (words, state)
    assert_tensors(net(x), want, ulp=64, scale=1.0, layout=False)
    assert seen == ["hook"]
    assert swapped.undo() is net
    assert [type(m) for m in net.modules()] == classes
    net(x)
    assert seen == ["hook", "hook"]
    handle.remove()
    assert swapped.undo() is net  # once more changes nothing


def test_swap_as_a_context():
    net = model()
    with at.swap(net) as inside:
        assert inside is net
        assert type(net[1]) is at.MaxPool2d
    assert type(net[1]) is nn.MaxPool2d
    with pytest.raises(KeyError, match="on purpose"), at.swap(net):
        raise KeyError("on purpose")
    assert type(net[1]) is nn.MaxPool2d


def test_swap_of_shared_and_single_modules():
    """One module in two places is swapped once; a model may itself be a pooling."""
    pool = nn.MaxPool2d(2)
    net = nn.Sequential(pool, nn.ReLU(), pool)
    swapped = at.swap(net)
    assert type(net[0]) is type(net[2]) is at.MaxPool2d
    swapped.undo()
    assert type(net[0]) is type(net[2]) is nn.MaxPool2d
    with at.swap(pool):
        assert type(pool) is at.MaxPool2d
    assert at.swap(nn.Linear(2, 2)).names == []


def test_swap_twice():
    net = model()
    first, second = at.swap(net), at.swap(net)
    assert second.names == []
    second.undo()
    assert type(net[1]) is at.MaxPool2d
    first.undo()
    assert type(net[1]) is nn.MaxPool2d


@pytest.mark.parametrize(("bad", "told"), [
    (nn.FractionalMaxPool2d(2, 3), "1.*FractionalMaxPool2d"), (nn.MaxUnpool2d(2), "MaxUnpool2d"),
    (nn.MaxPool2d(2, return_indices=True), "return_indices"),
    (at.StochasticPool2d(2), "random"),
])  # fmt: skip
def test_swap_for_export_names_what_cannot_be_exported(bad, told):
    net = nn.Sequential(nn.MaxPool2d(2), bad).train()
    with pytest.raises(ap.PoolError, match=rf"1 \(.*{told}|{told}"):
        at.swap(net, for_export=True)
    assert type(net[0]) is nn.MaxPool2d  # nothing was swapped
    at.swap(nn.Sequential(nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1)), for_export=True)
