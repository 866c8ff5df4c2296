"""A whole network with our modules: exported by both of PyTorch's exporters, exchanged, trained."""

import io

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
import anypool.torch as at  # noqa: E402

nn = torch.nn
H, W = torch.export.Dim("h", min=16, max=256), torch.export.Dim("w", min=16, max=256)
DYNAMIC = ({2: H, 3: W},)
SIZES = ((32, 32), (48, 48), (33, 47))  # the first is the one that exporters see


class Heads(nn.Module):
    """A convolution and a downsampling, then every kind of pooling that can be exported."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.down = nn.MaxPool2d(2, ceil_mode=True)
        self.heads = nn.ModuleList([
            nn.AdaptiveAvgPool2d((3, 2)), nn.AdaptiveMaxPool2d(2), nn.AdaptiveAvgPool2d(1),
            at.GlobalGeMPool2d(channels=4), at.GlobalMaxPool2d(), at.PyramidPool((1, 3)),
            at.PyramidPool((1, 2), "mean"), at.ConcatPool(), at.AdaptiveSoftPool2d(2),
            at.AdaptiveLSEPool2d(3), at.AdaptiveStdPool2d(2),
        ])  # fmt: skip
        self.maps = nn.ModuleList([
            nn.AvgPool2d(3, 2, 1, divisor_override=4), nn.AvgPool2d(3, 2, 1, ceil_mode=True),
            at.MinPool2d(3, 2, 1), at.LPPool2d(2, 2), at.GeMPool2d(3, 2), at.BlurPool2d(),
            at.MaxBlurPool2d(),
        ])  # fmt: skip

    def forward(self, x):
        x = self.down(self.stem(x))
        return tuple(m(x) for m in (*self.heads, *self.maps))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    model = Heads().eval()
    at.swap(model, for_export=True)
    return model


def sessions(model, exporter):
    """The model as ONNX with dynamic height and width, ready to run."""
    pytest.importorskip("onnxscript", reason="onnxscript is not installed")
    ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    x, data = torch.randn(2, 1, *SIZES[0]), io.BytesIO()
    if exporter == "dynamo":
        made = torch.onnx.export(model, (x,), dynamo=True, dynamic_shapes=DYNAMIC, verbose=False)
        made.save(data)
    else:
        torch.onnx.export(model, (x,), data, dynamo=False, input_names=["x"], opset_version=18,
                          dynamic_axes={"x": {2: "h", 3: "w"}})  # fmt: skip
    return ort.InferenceSession(data.getvalue())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore:.*:torch.jit.TracerWarning")
@pytest.mark.parametrize("exporter", ["dynamo", "tracing"])
def test_onnx_is_right_at_sizes_it_has_not_seen(network, exporter):
    session = sessions(network, exporter)
    name = session.get_inputs()[0].name
    for size in SIZES:
        x = torch.randn(2, 1, *size)
        found, wanted = session.run(None, {name: x.numpy()}), network(x)
        for y, own in zip(found, wanted, strict=True):
            assert y.shape == tuple(own.shape)
            np.testing.assert_allclose(y, own.detach().numpy(), atol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_an_exported_program_is_right_at_sizes_it_has_not_seen(network):
    x = torch.randn(2, 1, *SIZES[0])
    program = torch.export.export(network, (x,), dynamic_shapes=DYNAMIC, strict=False)
    calls = [str(n.target) for n in program.graph.nodes if n.op == "call_function"]
    foreign = [c for c in calls if not c.startswith("aten.")]
    assert all(c.startswith(("<built-in function ", "sym_", "torch.sym_", "<function sym_"))
               for c in foreign), foreign  # fmt: skip
    for size in SIZES:
        x = torch.randn(2, 1, *size)
        for y, own in zip(program.module()(x), network(x), strict=True):
            torch.testing.assert_close(y, own, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("module", "told"),
    [
        (nn.FractionalMaxPool2d(2, 3), "FractionalMaxPool2d has no exportable form"),
        (nn.MaxPool2d(2, return_indices=True), "return_indices=True"),
        (at.StochasticPool2d(2), r"call model.eval\(\)"),
    ],
)
def test_what_cannot_be_exported_is_named(module, told):
    with pytest.raises(at.PoolError, match=f"cannot be exported: 0 .*{told}"):
        at.swap(nn.Sequential(module), for_export=True)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pytorch_itself_freezes_adaptive_pooling():
    """The fault that ours must not have; when this fails PyTorch has mended it: tell the docs."""
    pytest.importorskip("onnxscript", reason="onnxscript is not installed")
    ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    model, data = nn.AdaptiveAvgPool2d(2).eval(), io.BytesIO()
    x = torch.randn(1, 1, 32, 32)
    made = torch.onnx.export(model, (x,), dynamo=True, dynamic_shapes=DYNAMIC, verbose=False)
    made.save(data)
    session = ort.InferenceSession(data.getvalue())
    x = torch.randn(1, 1, 48, 48)
    [y] = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    assert y.shape != tuple(model(x).shape)
