"""What a layer sees: the right maps, from any model, with nothing left behind; and the figures."""

import doctest
import io
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
for package in ("matplotlib", "PIL"):
    pytest.importorskip(package, reason=f"{package} is not installed")
from torch import nn  # noqa: E402

from anypool import see  # noqa: E402
from anypool.errors import PoolError  # noqa: E402
from inside_toys import Shared, changed, classic, maps_to_scores, mlp, state_of, unsettled  # noqa: E402

RNG = np.random.default_rng(0)
X = RNG.standard_normal((3, 2, 12, 10)).astype(np.float32)


# -- no trace -----------------------------------------------------------------------------------

LOOKS = {
    "features": lambda net: see.features(net, X, "body.4"),
    "entering": lambda net: see.features(net, X),
    "layers": lambda net: see.layers(net, X),
    "class maps": lambda net: see.class_maps(net, X),
}


@pytest.mark.parametrize("falls", [False, True])
@pytest.mark.parametrize("look", LOOKS)
def test_a_look_leaves_no_trace(look, falls):
    net = unsettled(falls)
    before = state_of(net)
    if falls:
        with pytest.raises(PoolError, match="this network falls"):
            LOOKS[look](net)
    else:
        LOOKS[look](net)
    assert changed(before, state_of(net)) == []


SPOIL = {
    "hooks": lambda net: net.body[2].register_forward_hook(print),
    "training": lambda net: net.body[1].train(),
    "requires_grad": lambda net: net.body[0].requires_grad_(False),
    "grad": lambda net: net.body[0].weight.grad.zero_(),
    "values": lambda net: net.seen.add_(1),
    "objects": lambda net: setattr(net, "held", net.held.clone()),
    "torch": lambda net: torch.rand(1),
    "numpy": lambda net: np.random.rand(),  # noqa: NPY002
    "python": lambda net: random.random(),
}


@pytest.mark.parametrize("what", SPOIL)
def test_a_trace_is_noticed(what):
    net = unsettled()
    before = state_of(net)
    SPOIL[what](net)
    assert changed(before, state_of(net)) == [what]


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_any_mode_of_autograd_will_do(mode):
    net = classic().eval()
    plain = see.class_maps(net, X)
    with mode():
        before = state_of(net)
        found = see.class_maps(net, X)
        seen = see.features(net, X, 0)
        assert changed(before, state_of(net)) == []
    np.testing.assert_array_equal(found.contributions, plain.contributions)
    np.testing.assert_array_equal(seen.maps, see.features(net, X, 0).maps)


def test_autocast_is_left_alone_and_not_used():
    net = classic().eval()
    with torch.autocast("cpu", torch.bfloat16):
        seen = see.features(net, X, 0)
        assert torch.is_autocast_enabled("cpu")
    assert seen.maps.dtype == np.float32
    np.testing.assert_array_equal(seen.maps, see.features(net, X, 0).maps)


def test_a_training_network_is_seen_as_in_use():
    net = classic()
    assert net.training
    seen = see.features(net, X, 1)
    np.testing.assert_array_equal(seen.maps, see.features(net.eval(), X, 1).maps)


def test_the_images_are_not_touched():
    kept, net = X.copy(), nn.Sequential(nn.ReLU(inplace=True), *classic())
    seen = see.features(net, X, 0, entering=True)
    np.testing.assert_array_equal(X, kept)
    np.testing.assert_array_equal(seen.maps, X)


# -- the maps -----------------------------------------------------------------------------------


def test_layers_in_place_do_not_spoil_what_came_before():
    net = classic().eval()
    with torch.no_grad():
        normed = net[1](net[0](torch.from_numpy(X)))
    np.testing.assert_array_equal(see.features(net, X, 1).maps, normed.numpy())
    np.testing.assert_array_equal(see.features(net, X, 2, entering=True).maps, normed.numpy())
    np.testing.assert_array_equal(see.features(net, X, 2).maps, normed.relu().numpy())
    assert normed.min() < 0


@pytest.mark.parametrize("layer", ["4", 4, -5], ids=repr)
def test_a_layer_by_name_number_or_itself(layer):
    net = classic().eval()
    seen = see.features(net, X, layer)
    assert (seen.layer, seen.kind, seen.maps.shape) == ("4", "Conv2d", (3, 5, 6, 5))
    np.testing.assert_array_equal(seen.maps, see.features(net, X, net[4]).maps)


def test_numbers_count_the_layers_that_hold_no_others():
    net = nn.Sequential(nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU()), nn.Conv2d(3, 4, 1))
    assert see.features(net, X, 2).layer == "1"
    assert see.features(net, X, "0").kind == "Sequential"


def test_without_a_layer_what_enters_the_global_pooling_is_shown():
    seen = see.features(classic(), X)
    assert seen.title == "5 maps of 6 × 5 entering 6 (AdaptiveAvgPool2d)"
    assert see.features(classic(), X, entering=False).maps.shape == (3, 5, 1, 1)


def test_a_layer_that_is_called_several_times():
    net = Shared()
    last = see.features(net, X, "relu")
    assert (last.maps.shape[1], last.note) == (4, "call 2 of 2")
    first = see.features(net, X, "relu", call=0)
    assert (first.maps.shape[1], first.note) == (3, "call 1 of 2")
    with pytest.raises(PoolError, match=r"relu .ReLU. was called 2 times; call=2 is not among"):
        see.features(net, X, "relu", call=2)
    with pytest.raises(PoolError, match="calls are counted from 0"):
        see.features(net, X, "relu", call=-1)


def test_one_image_is_a_batch_of_one():
    net = classic().eval()
    for image in (X[0], torch.from_numpy(X[0]), X[0].astype(np.float64)):
        seen = see.features(net, image, 0)
        np.testing.assert_allclose(seen.maps, see.features(net, X[:1], 0).maps, rtol=1e-6)
    last = see.features(net, X[0].transpose(1, 2, 0), 0)  # (H, W, C): only that fits
    np.testing.assert_allclose(last.maps, seen.maps, rtol=1e-6)


def test_several_images_in_a_list():
    assert see.features(classic(), [X[0], X[1]], 0).maps.shape[0] == 2


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_the_images_take_the_models_type(dtype):
    seen = see.features(classic().to(dtype), X, 0)
    assert seen.maps.dtype == (np.float64 if dtype is torch.float64 else np.float32)


@pytest.mark.parametrize(
    ("net", "x", "shape"),
    [
        (nn.Sequential(nn.Conv1d(2, 3, 3), nn.ReLU()), (2, 40), (1, 3, 38)),
        (nn.Sequential(nn.Conv3d(1, 3, 3), nn.ReLU()), (1, 5, 9, 8), (1, 3, 3, 7, 6)),
        (nn.Sequential(nn.Flatten(), nn.Linear(30, 7)), (1, 5, 6), (1, 7)),
    ],
)
def test_signals_volumes_and_vectors(net, x, shape):
    seen = see.features(net, RNG.standard_normal(x), 1)
    assert seen.maps.shape == shape
    assert drawn(seen)


def test_a_layer_that_gives_several_things_shows_the_first():
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.MaxPool2d(2, return_indices=True))
    assert see.features(net, X, 1, scores=0).maps.shape == (3, 3, 5, 4)


def test_what_lies_below_torch_compile_is_seen():
    net = classic()
    inside = torch.compile(net, backend="eager")
    assert see.features(inside, X, 0).maps.shape == (3, 6, 12, 10)


def test_the_outline_of_a_model():
    rows = see.layers(classic(), X)
    assert [row.number for row in rows] == list(range(9))
    assert [row.name for row in rows if row.pools] == ["6"]
    assert (rows[0].takes, rows[0].gives, rows[0].parameters) == (
        (3, 2, 12, 10),
        (3, 6, 12, 10),
        114,
    )
    assert {row.name: row.number for row in see.layers(Shared(), X)}.keys() == {
        "first", "second", "relu", "pool",
    }  # fmt: skip


# -- scores and classes -------------------------------------------------------------------------


class Wrapped(nn.Module):
    def __init__(self, wrap):
        super().__init__()
        self.net, self.wrap = classic(), wrap

    def forward(self, x):
        return self.wrap(self.net(x))


def test_scores_predicted_and_true():
    net = classic().eval()
    seen = see.features(net, X, true=["b", "a", "d"], classes="abcd")
    with torch.no_grad():
        scores = net(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(seen.scores, scores, rtol=1e-5)
    assert seen.predicted.tolist() == scores.argmax(1).tolist()
    assert seen.true.tolist() == [1, 0, 3]


@pytest.mark.parametrize(
    ("wrap", "pick"),
    [
        (lambda y: {"logits": y, "aux": 0}, "logits"),
        (lambda y: (0, y), 1),
        (lambda y: {"deep": [y]}, lambda out: out["deep"][0]),
    ],
)
def test_scores_inside_a_dict_or_a_tuple(wrap, pick):
    net = Wrapped(wrap)
    assert see.features(net, X, "net.0", scores=pick).scores.shape == (3, 4)
    assert see.class_maps(net, X, scores=pick).exact


def test_a_model_without_scores_still_has_maps():
    seen = see.features(nn.Sequential(nn.Conv2d(2, 4, 3), nn.Conv2d(4, 3, 1)), X, 0)
    assert seen.scores is None
    assert seen.predicted is None
    assert drawn(seen)


@pytest.mark.parametrize("pool", [nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d(1)])
def test_class_maps_carry_their_class(pool):
    seen = see.features(maps_to_scores(pool), X, classes="abcd")
    assert seen.of_classes
    assert seen.names == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    "net",
    [
        nn.Sequential(*maps_to_scores(nn.AdaptiveAvgPool2d(1)), nn.Linear(4, 4)),
        nn.Sequential(
            nn.Conv2d(2, 4, 1), nn.Conv2d(4, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        ),
    ],
)
def test_as_many_maps_as_classes_are_not_class_maps_by_that(net):
    assert see.features(net, X, 0).names == ["#0", "#1", "#2", "#3"]


# -- what does not fit --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("44", "no layer '44'; did you mean 4.*The layers: 0 0 .Conv2d., 1 1 .BatchNorm2d."),
        (9, "no layer 9; they are numbered from 0 to 8. The layers: "),
        (nn.ReLU(), "that ReLU is not a part of the model"),
        (1.5, "layer is float; give a layer's name"),
        (True, "layer is bool"),
    ],
)
def test_a_layer_that_is_not_there(layer, words):
    with pytest.raises(PoolError, match=words):
        see.features(classic(), X, layer)


def test_a_layer_that_is_never_called():
    with pytest.raises(PoolError, match=r"unused .Conv2d. was never called in this forward"):
        see.features(Shared(), X, "unused")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (classic().state_dict(), "model is a state dict of .* tensors; make the module"),
        (nn.ReLU, "model is the class ReLU; make one of it"),
        ("net.pt", "model is str; give a torch.nn.Module"),
        (nn.Sequential(nn.LazyConv2d(3, 3)), "has no size yet, because the model has never seen"),
        (classic().to("meta"), "holds no values .device meta."),
        (Wrapped(lambda y: {"logits": y}), "gives a dict with logits; say .* scores='logits'"),
        (Wrapped(lambda y: (y, y)), "gives a tuple of 2 .*; say which holds the scores: scores=0"),
        (Wrapped(lambda y: "no"), "the model gives str; say how to find the scores"),
    ],
)
def test_a_model_that_does_not_fit(model, words):
    with pytest.raises(PoolError, match=words):
        see.features(model, X, 0)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((3, 12, 10)), r"in its layer 0 .Conv2d.: .* to have 2 channels, but got 3"),
        (np.zeros((2, 12, 10), np.uint8), "x is uint8; a module takes floats"),
        (np.zeros(5), r"x has 1 axes; this model takes \(N, C, H, W\)"),
        (np.zeros((0, 2, 9, 9)), "there is nothing in it to look at"),
        ([X[0], X[0, :, 1:]], "different shapes, .2, 11, 10. and .2, 12, 10."),
        ({}, "x is dict; give an array"),
        ("nowhere.png", "there is no file nowhere.png"),
    ],
)
def test_images_that_do_not_fit(x, words):
    with pytest.raises(PoolError, match=words):
        see.features(classic(), x, 0)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"true": "f", "classes": "abcd"}, "no class is called 'f'; .*The classes: a, b, c, d"),
        ({"true": "a"}, "true is 'a', but the classes have no names"),
        ({"true": 4}, "true is 4, which is no class; there are 4, from 0"),
        ({"true": [1, 2]}, "true names 2 classes for 3 images"),
        ({"classes": "ab"}, "classes names 2, and the model gives 4 scores"),
        ({"scores": "x"}, "holds nothing under scores='x'"),
        ({"scores": lambda out: 3}, "through the function scores is int, no tensor"),
    ],
)
def test_arguments_that_do_not_fit(how, words):
    with pytest.raises(PoolError, match=words):
        see.features(classic(), X, 0, **how)


# -- figures ------------------------------------------------------------------------------------


def drawn(seen, **how):
    """The bytes of a figure as PNG; warnings are errors here, so nothing overflowed."""
    file = io.BytesIO()
    seen.figure(**how).savefig(file, format="png")
    return file.getvalue()


def texts(figure):
    return [text.get_text() for text in figure.texts]


def pictures(figure):
    """What the axes of maps show: those drawn with a scale of colours."""
    return [ax.images[0] for ax in figure.axes if ax.images and ax.images[0].get_array().ndim == 2]


def test_the_grid_says_everything():
    seen = see.features(maps_to_scores(nn.AdaptiveAvgPool2d(1)), X, true=[0, 1, 2], classes="abcd")
    figure = seen.figure(1)
    said = texts(figure)
    assert said[0] == "4 maps of 12 × 10 entering 1 (AdaptiveAvgPool2d)"
    assert "true: b" in said
    assert f"predicted: {seen.classes[seen.predicted[1]]}" in said
    assert {"a", "b", "c", "d"} <= set(said)
    for values in seen.maps[1]:
        mean, peak = (f"{v:.3f}".replace("-", "−") for v in (values.mean(), values.max()))
        assert any(mean in words and peak in words for words in said)


def test_all_maps_share_one_scale():
    seen = see.features(classic(), X, 0)
    maps = pictures(seen.figure())[1:]
    assert len(maps) == 6
    assert len({image.get_clim() for image in maps}) == 1
    for image, values in zip(maps, seen.maps[0], strict=True):
        np.testing.assert_array_equal(image.get_array(), values)


def test_zero_is_black_whether_or_not_maps_go_below():
    for layer in (0, 2):  # a convolution, and a ReLU
        image = pictures(see.features(classic(), X, layer).figure())[1]
        assert max(image.to_rgba(np.zeros((1, 1)))[0, 0, :3]) < 0.02


@pytest.mark.parametrize(("maps", "most"), [(1, 100), (10, 100), (96, 100), (130, 100), (30, 7)])
def test_any_number_of_maps(maps, most):
    seen = see.features(nn.Conv2d(2, maps, 3), X, "")
    figure = seen.figure(2, most=most)
    shown = len(pictures(figure)) - 1
    assert shown == min(maps, most)
    told = f"the {most} of {maps} maps with the highest peak"
    assert (told in texts(figure)) == (maps > most)


def test_chosen_maps():
    figure = see.features(nn.Conv2d(2, 9, 3), X, "").figure(channels=[7, 2])
    assert {"#7", "#2"} <= set(texts(figure))
    assert len(pictures(figure)) == 3


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"image": 3}, "image is 3; this batch has 3, from 0"),
        ({"channels": [9]}, "channels names 9; this layer has 6, from 0"),
        ({"channels": []}, "channels names none"),
        ({"most": 0}, "at least 1 map must be drawn"),
        ({"dpi": 5}, "dpi is 5; it must lie between 20 and 1200"),
    ],
)
def test_figures_that_cannot_be(how, words):
    with pytest.raises(PoolError, match=words):
        see.features(classic(), X, 0).figure(**how)


def test_maps_that_are_not_finite_are_drawn():
    net = nn.Sequential(nn.Conv2d(2, 3, 1))
    net[0].weight.data[1] = torch.nan
    assert drawn(see.features(net, X, 0))


def test_letters_that_mean_something_elsewhere(tmp_path):
    seen = see.features(classic(), X, classes=["$x_1$", "<b>", "日本", "a" * 90], true=2)
    assert seen.save(tmp_path / "maps.svg").read_text("utf-8").startswith("<?xml")
    assert "&lt;" not in repr(seen)


@pytest.mark.parametrize(
    ("kind", "head"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_the_suffix_says_the_kind_of_file(kind, head, tmp_path):
    seen = see.features(classic(), X)
    path = seen.save(tmp_path / "new" / f"maps.{kind}", dpi=60)
    assert path.read_bytes().startswith(head)
    again = seen.save(tmp_path / f"again.{kind}", dpi=60)
    assert again.read_bytes() == path.read_bytes()


def test_dots_per_inch_are_kept(tmp_path):
    from PIL import Image

    seen = see.features(classic(), X)
    wide = []
    for dots in (60, 120):
        with Image.open(seen.save(tmp_path / f"{dots}.png", dpi=dots)) as picture:
            wide.append(picture.width)
    assert wide[1] == pytest.approx(2 * wide[0], abs=2)


@pytest.mark.parametrize(
    ("name", "words"),
    [("maps.jpg", "let it end in .png, .svg, .pdf"), ("file/maps.png", "cannot write")],
)
def test_files_are_whole_or_absent(name, words, tmp_path):
    (tmp_path / "file").write_text("here before")
    with pytest.raises(PoolError, match=words):
        see.features(classic(), X).save(tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_notebooks_show_them():
    seen = see.features(classic(), np.concatenate([X, X]))
    assert seen._repr_png_().startswith(b"\x89PNG")
    page = seen._repr_html_()
    assert page.count("<img") == 4
    assert "2 more" in page
    assert repr(seen).startswith(
        "<Features: 5 maps of 6 × 5 entering 6 (AdaptiveAvgPool2d), 6 images"
    )


def test_the_users_settings_of_matplotlib_are_left_alone():
    import matplotlib

    with matplotlib.rc_context({"font.size": 40, "image.cmap": "jet"}):
        before = dict(matplotlib.rcParams)
        one = drawn(see.features(classic().eval(), X, 0))
        assert dict(matplotlib.rcParams) == before
    assert len(one) > 1000


# -- T15: the tutorial's reading, on networks trained here --------------------------------------


@pytest.fixture(scope="module")
def trained():
    """The little network of the toys with each head, trained on three shapes for two seconds."""
    from anypool.study.networks import build
    from study_toys import shapes, tiny

    data = shapes()
    x = torch.from_numpy(np.array(data.train_images)).float() / 255
    y = torch.from_numpy(data.train_labels)

    def net(arm):
        torch.manual_seed(0)
        made = build(tiny, "head", arm, 1, 3, (12, 12))
        steps = torch.optim.Adam(made.parameters(), 0.03)
        for _ in range(80):
            steps.zero_grad()
            torch.nn.functional.cross_entropy(made(x), y).backward()
            steps.step()
        return made

    return data, {arm: net(arm) for arm in ("avg", "max")}


@pytest.mark.parametrize(("arm", "reading"), [("avg", np.mean), ("max", np.max)])
def test_the_map_of_the_class_is_the_brightest(trained, arm, reading):
    """By its mean under average pooling, by its peak under max: that is what the score is."""
    data, nets = trained
    images = np.array(data.test_images, np.float32) / 255
    seen = see.features(nets[arm], images, true=data.test_labels, classes=["dot", "bar", "post"])
    right = seen.predicted == seen.true
    assert right.mean() > 0.9
    assert seen.of_classes
    brightness = reading(seen.maps, axis=(2, 3))
    np.testing.assert_allclose(brightness, seen.scores, rtol=1e-4, atol=1e-4)
    assert (brightness[right].argmax(1) == seen.true[right]).all()


def test_the_brightest_map_is_told(trained, tmp_path, capsys):
    from anypool.cli.features import _features_in_words

    data, nets = trained
    seen = see.features(nets["avg"], np.float32(data.test_images[2]) / 255, true=2)
    assert seen.predicted.tolist() == [2]
    assert "brightest by its mean: class 2" in _features_in_words(seen)[-1]


@pytest.mark.nightly
@pytest.mark.parametrize(("arm", "reading"), [("avg", np.mean), ("max", np.max)])
def test_the_tutorials_own_case(arm, reading, tmp_path):
    """Image 2, layer 16: ten 3x3 maps, class 1 (trouser), map 1 the brightest."""
    from anypool import study

    if not Path("/usr/share/datasets/fashion-mnist").exists():
        pytest.skip("dataset-fashion-mnist is not installed")
    asked = study.plan("fashion-mnist", [arm], network="tutorial", recipe="fast", epochs=6,
                       seeds=1)  # fmt: skip
    found = study.run(asked, tmp_path / "s.db", executor=study.Here())
    data = study.load("fashion-mnist")
    network = found.network(arm)
    seen = see.features(
        network, data.test_images[2], 16, entering=True, true=int(data.test_labels[2])
    )
    assert seen.maps.shape == (1, 10, 3, 3)
    assert (seen.true.tolist(), seen.predicted.tolist()) == ([1], [1])
    assert reading(seen.maps[0], axis=(1, 2)).argmax() == 1
    assert seen.names[1] == "Trouser"


# -- the house ----------------------------------------------------------------------------------


def fresh(code):
    """What a fresh interpreter prints last after `code`."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_photographs_do_not_bring_torch():
    code = "import sys, anypool.see as s; s.features, s.class_maps; print('torch' in sys.modules)"
    assert fresh(code) == "False"


def test_figures_have_no_global_state():
    code = (
        "import sys, torch, anypool.see as s; net = torch.nn.Conv2d(1, 2, 3); "
        "s.features(net, torch.rand(1, 9, 9), '')._repr_png_(); "
        "print('matplotlib.pyplot' in sys.modules, 'torchcam' in sys.modules)"
    )
    assert fresh(code) == "False False"


def test_without_torch_one_sentence_says_how_to_get_it(monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PoolError, match=r"needs PyTorch: pip install 'anypool\[torch\]'"):
        see.features(classic(), X)


def test_the_page_runs():
    pytest.importorskip("torchcam", reason="torchcam is not installed")
    page = Path(__file__).resolve().parent.parent / "docs" / "features.md"
    if not page.exists():
        pytest.skip("needs the checkout: the documents are not in the wheel")
    failed, tried = doctest.testfile(str(page), module_relative=False)
    assert tried >= 8
    assert not failed


def test_a_head_of_several_layers_is_no_class_map():
    assert see.features(mlp(), X).names[0] == "#0"


def test_gem_names_its_maps_though_some_are_flat():
    """GeM has no slope where a whole map is negative; that makes it no less the class's map."""
    import anypool.torch as at

    net = maps_to_scores(at.GlobalGeMPool2d())
    net[0].bias.data[:2] = -50.0
    assert see.features(net, X, classes="abcd").names == ["a", "b", "c", "d"]


def test_a_part_below_torch_compile():
    net = nn.Sequential(torch.compile(classic()[:6], backend="eager"), *classic()[6:])
    assert see.features(net, X).maps.shape == (3, 5, 6, 5)
    assert see.class_maps(net, X).exact


def test_a_figure_too_large_is_refused():
    with pytest.raises(PoolError, match=r"the figure would be .* dots long"):
        see.features(nn.Conv2d(2, 4000, 3), X, "").figure(most=4000, dpi=1200)
