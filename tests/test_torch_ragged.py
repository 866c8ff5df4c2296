"""Images of different sizes: lists, jagged and strided nested tensors, each sample as if alone."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
import anypool as ap  # noqa: E402

SIZES = ((7, 9), (12, 5), (3, 3))


def images():
    torch.manual_seed(0)
    return [torch.randn(2, *s, dtype=torch.float64, requires_grad=True) for s in SIZES]


@pytest.mark.parametrize("reduce", ["max", "mean", "lse"])
@pytest.mark.parametrize("windows", [ap.windows.adaptive(3), ap.windows.whole()], ids=str)
def test_a_list_is_its_images_alone(windows, reduce):
    together, alone = images(), images()
    y = ap.pool(together, windows, reduce)
    y.square().sum().backward()
    for row, a, b in zip(y, together, alone, strict=True):
        want = ap.pool(b[None], windows, reduce)[0]
        want.square().sum().backward()
        torch.testing.assert_close(row, want)
        torch.testing.assert_close(a.grad, b.grad)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
@pytest.mark.parametrize("layout", [torch.jagged, torch.strided], ids=str)
def test_nested_tensors(layout):
    words = [torch.randn(n, 4) for n in (5, 2, 8)]
    x = torch.nested.nested_tensor(words, layout=layout)
    y = ap.pool(x, ap.windows.whole(keepdims=False), "mean", axes=(1,))
    torch.testing.assert_close(y, torch.stack([w.mean(0) for w in words]))


def test_a_ragged_axis_must_be_pooled():
    x = torch.nested.nested_tensor([torch.zeros(2, 4), torch.zeros(3, 4)], layout=torch.jagged)
    with pytest.raises(ap.PoolError, match="ragged but not pooled"):
        ap.pool(x, ap.windows.whole(), "mean", axes=(2,))
