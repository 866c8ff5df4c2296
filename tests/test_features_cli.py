"""`anypool features` as a user types it, on a study's networks and on a model of one's own."""

import importlib
import io
import sys
from dataclasses import replace

import numpy as np
import pytest

for package in ("torch", "scipy", "sqlalchemy", "sklearn", "pooch", "jinja2", "matplotlib"):
    pytest.importorskip(package, reason=f"the study extra is not installed: {package}")
import torch  # noqa: E402
from PIL import Image  # noqa: E402

from anypool import see, study  # noqa: E402
from anypool.cli import main  # noqa: E402
from anypool.errors import PoolError  # noqa: E402
from anypool.study.predict import revive  # noqa: E402
from study_toys import shapes  # noqa: E402


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("features")


@pytest.fixture(scope="module")
def data(place):
    found = shapes()
    np.savez(place / "shapes.npz", x_train=found.train_images, y_train=found.train_labels,
             x_test=found.test_images, y_test=found.test_labels)  # fmt: skip
    return study.load(f"npz:{place / 'shapes.npz'}")


@pytest.fixture(scope="module")
def stored(place, data):
    """A study of two arms, trained for some seconds and kept."""
    asked = study.plan(data, ("avg", "max"), network="small", seeds=1, epochs=6, batch=20)
    asked = replace(asked, data=(f"npz:{place / 'shapes.npz'}",))
    return study.run(asked, place / "s.db", data=[data], executor=study.Here())


@pytest.fixture
def said(capsys):
    def run(*words):
        code = main(["features", *map(str, words)])
        return code, capsys.readouterr()

    return run


OWN = """
import torch
from torch import nn


def make():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)
    )


def wrapped():
    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = make()

        def forward(self, x):
            return {"logits": self.net(x)}

    return Wrapped()


def needs(something):
    return make()


def fails():
    raise RuntimeError("no luck")

def nothing():
    return 3
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder with a model of one's own and a photograph."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_model.py").write_text(OWN)
    (tmp_path / "typing_error.py").write_text("def make(:")
    monkeypatch.delitem(sys.modules, "own_model", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    importlib.invalidate_caches()
    grey = np.linspace(0, 255, 40 * 30 * 3).reshape(40, 30, 3).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "photo.png")
    return tmp_path


def model_of(folder):
    """What the user's own factory makes."""
    sys.path.insert(0, str(folder))
    return importlib.import_module("own_model").make()


# -- a study's network --------------------------------------------------------------------------


def test_a_network_of_a_study_sees_through_its_own_normalisation(stored, data):
    network = stored.network("avg")
    images = data.test_images[:20]
    seen = see.features(network, images, true=data.test_labels[:20])
    assert seen.classes == network.classes
    assert seen.predicted.tolist() == network.predict(images).argmax(1).tolist()
    assert see.class_maps(network, images).exact
    assert np.allclose(seen.pictures[0], images[0, 0] / 255, atol=1e-5)
    one = see.features(network, images[0])
    np.testing.assert_allclose(one.maps, seen.maps[:1], rtol=1e-4, atol=1e-5)


def test_images_of_other_kinds_and_sizes(stored, data, tmp_path):
    network = stored.network("avg")
    Image.fromarray(data.test_images[0][0]).save(tmp_path / "shape.png")
    wanted = see.features(network, data.test_images[0]).maps
    floats = see.features(network, data.test_images[0][0] / np.float32(255))
    np.testing.assert_allclose(floats.maps, wanted, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(
        see.features(network, tmp_path / "shape.png").maps, wanted, atol=1e-4
    )
    assert see.features(network, [np.zeros((30, 20)), np.zeros((3, 9, 9))]).maps.shape[0] == 2
    with pytest.raises(PoolError, match="x holds no image"):
        see.features(network, [])
    with pytest.raises(PoolError, match="image 0 is int64"):
        see.features(network, np.zeros((1, 12, 12), np.int64))


@pytest.mark.parametrize("arm", ["avg", "max"])
def test_the_maps_of_a_test_image(stored, place, said, data, arm):
    out = place / f"{arm}.png"
    code, told = said("--store", place / "s.db", "--arm", arm, "--image", 2, "--out", out)
    assert code == 0, told.err
    lines = told.out.splitlines()
    assert lines[0].startswith("3 maps of 3 × 3 entering head.pools.0")
    network = stored.network(arm)
    predicted = network.predict(data.test_images[2:3]).argmax()
    assert lines[1] == f"true {data.test_labels[2]}, predicted {predicted}"
    reading = {"avg": "mean", "max": "peak"}[arm]
    assert f"by its {reading}: {predicted} (" in lines[2]
    assert lines[3] == f"wrote {out}"
    with Image.open(out) as picture:
        assert picture.width > 500


def test_class_maps_of_a_photograph(stored, place, said, data, tmp_path):
    Image.fromarray(data.test_images[0][0]).save(tmp_path / "shape.png")
    out = tmp_path / "maps.svg"
    code, told = said("--store", place / "s.db", "--arm", "max", "--image", tmp_path / "shape.png",
                      "--class-maps", "--true", 1, "--out", out)  # fmt: skip
    assert code == 0
    assert told.out.startswith("head.pools.0 (GlobalMaxPool2d): exact: the largest cell counts")
    assert "true 1, predicted" in told.out
    assert out.read_text("utf-8").startswith("<?xml")


def test_the_list_of_layers(stored, place, said):
    code, told = said("--store", place / "s.db", "--list")
    assert code == 0
    assert "features.0" in told.out
    assert "1×32×12×12" in told.out
    assert "* the global pooling" in told.out


def test_data_that_has_changed_is_told(stored, place, said, data):
    kept = (place / "shapes.npz").read_bytes()
    changed = np.load(io.BytesIO(kept))
    np.savez(place / "shapes.npz", **{**changed, "x_test": changed["x_test"][::-1]})
    try:
        _, told = said("--store", place / "s.db", "--image", 0, "--out", place / "a.png")
    finally:
        (place / "shapes.npz").write_bytes(kept)
    assert "is no longer what the network learnt from" in told.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--image", "9999"], "has test images from 0 to"),
        (["--layer", "featuers.0"], "no layer 'featuers.0'; did you mean features"),
        (["--layer", "99"], "no layer 99; they are numbered from 0 to"),
        (["--arm", "gem"], "no finished trial of arm gem; finished are the arms avg, max"),
        (["--true", "9"], "true is 9, which is no class"),
        (["--out", "maps.jpg"], "let it end in .png, .svg, .pdf"),
        (["--dpi", "3"], "dpi is 3; it must lie between 20 and 1200"),
        (["--weights", "w.pt"], "--weights goes with --model only"),
        (["--image", "missing.png"], "there is no file missing.png"),
        (["--most", "0"], "at least 1 map must be drawn"),
        (["--layer", "--5"], "no layer '--5'"),
    ],
)
def test_mistakes_get_one_sentence(stored, place, said, words, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, told = said("--store", place / "s.db", *words)
    assert code == 2
    assert sentence in told.err
    assert "Traceback" not in told.err
    assert list(tmp_path.iterdir()) == []


# -- a checkpoint that does not fit -------------------------------------------------------------


@pytest.fixture(scope="module")
def kept(stored):
    with stored._open() as opened:
        trial = opened.trials("study")[0].trial
        return trial, opened.weights(trial.key)


def test_a_kept_network_of_another_architecture_says_so(kept):
    trial, weights = kept
    old = replace(trial, network="plain", versions={"anypool": "0.0.1"})
    words = (
        r"the kept network of .*, avg, seed 0, made by anypool 0.0.1, does not fit the network "
        r"'plain' as anypool .* builds it: .*train it again, or use the version that made it"
    )
    with pytest.raises(PoolError, match=words):
        revive(old, weights)


def test_an_arm_that_is_no_more_says_so(kept):
    trial, weights = kept
    with pytest.raises(PoolError, match=r"does not fit .* no head is called 'gone'"):
        revive(replace(trial, arm="gone"), weights)


@pytest.mark.parametrize("spoil", ["cut", "foreign", "pickle"])
def test_a_spoilt_file_says_so(kept, spoil):
    trial, weights = kept
    file = io.BytesIO()
    torch.save({"state": {}} if spoil == "foreign" else {"state": print}, file)
    bad = weights[:100] if spoil == "cut" else file.getvalue()
    with pytest.raises(PoolError, match=r"the kept network of .* cannot be read: "):
        revive(trial, bad)


# -- a model of one's own -----------------------------------------------------------------------


def test_a_model_of_ones_own(own, said):
    code, told = said("--model", "own_model:make", "--image", "photo.png", "--layer", 1,
                      "--size", "20x24", "--classes", "cat,dog", "--true", "dog")  # fmt: skip
    assert code == 0, told.err
    assert told.out.startswith("8 maps of 8 × 10 leaving 1 (ReLU)")
    assert "true dog, predicted" in told.out
    assert (own / "features.png").exists()


def test_its_weights_are_read_without_running_code(own, said):
    net = model_of(own)
    net[4].bias.data[:] = torch.tensor([-1e3, 1e3])
    torch.save({"state_dict": net.state_dict()}, own / "w.pt")
    common = ["--model", "own_model:make", "--image", "photo.png", "--weights"]
    assert "predicted class 1" in said(*common, "w.pt")[1].out
    wrapped = {f"module.{name}": tensor for name, tensor in net.state_dict().items()}
    torch.save(wrapped, own / "parallel.pt")
    assert "predicted class 1" in said(*common, "parallel.pt")[1].out
    torch.save(net, own / "whole.pt")
    code, told = said(*common, "whole.pt")
    assert code == 2
    assert "whole.pt is no file of tensors alone" in told.err
    torch.save({"0.weight": torch.zeros(1)}, own / "other.pt")
    assert "the tensors of other.pt do not fit the model: " in said(*common, "other.pt")[1].err


def test_mean_and_std_are_taken(own, said):

    from anypool.see.inside.own import photograph
    from anypool.see.read import read

    x = photograph(model_of(own), "photo.png", None, [0.5, 0.4, 0.3], [0.2])
    wanted = (np.moveaxis(read("photo.png"), 2, 0) - np.float32([[[0.5]], [[0.4]], [[0.3]]])) / 0.2
    np.testing.assert_allclose(x[0], wanted, rtol=1e-5, atol=1e-6)
    assert said("--model", "own_model:make", "--image", "photo.png", "--mean", "0.5,0.4,0.3",
                "--std", "0.2", "--class-maps", "--out", "maps.pdf")[0] == 0  # fmt: skip


def test_a_dict_of_scores(own, said):
    common = ["--model", "own_model:wrapped", "--image", "photo.png"]
    code, told = said(*common)
    assert code == 2
    assert "the model gives a dict with logits; say which holds the scores" in told.err
    assert said(*common, "--scores", "logits")[0] == 0


def test_its_list_of_layers(own, said):
    code, told = said("--model", "own_model:make", "--list", "--size", "32")
    assert code == 0
    assert "1×8×14×14" in told.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "say whose layers: --store of a study, or --model"),
        (["--model", "own_model:make", "--store", "s.db"], "say whose layers"),
        (["--model", "own_model:make"], "say which photograph: --image cat.png"),
        (["--model", "own_model:mak", "--image", "photo.png"], "'own_model:mak' cannot be found"),
        (["--model", "own_model:needs", "--image", "photo.png"], "could not be called without"),
        (["--model", "small", "--image", "photo.png"], "--model is 'small'; write module:func"),
        (["--model", ":make", "--image", "photo.png"], "--model is ':make'; write module:func"),
        (["--model", "typing_error:make", "--image", "photo.png"], "(typing_error.py, line 1)"),
        (["--model", "own_model:fails", "--image", "photo.png"], "failed to make a model: no luck"),
        (["--model", "own_model:make", "--list", "--size", "99999"], "25 million pixels fit"),
        (["--model", "own_model:nothing", "--image", "photo.png"], "gives int; it must give"),
        (["--model", "own_model:make", "--list"], "say --image, or --size"),
        (["--model", "own_model:make", "--image", "own_model.py"], "is not a photograph"),
        (["--model", "own_model:make", "--image", "photo.png", "--weights", "no.pt"], "no file"),
        (["--model", "own_model:make", "--image", "photo.png", "--mean", "a"], "write numbers"),
        (["--model", "own_model:make", "--image", "photo.png", "--mean", "1,2"], "for 3 channels"),
        (["--model", "own_model:make", "--image", "photo.png", "--std", "0"], "must be positive"),
        (["--model", "own_model:make", "--image", "photo.png", "--size", "1x2x3"], "rows and col"),
        (["--model", "own_model:make", "--image", "photo.png", "--size", "3"], "in its layer 0"),
        (["--model", "own_model:make", "--image", "photo.png", "--arm", "avg"], "--store only"),
        (["--model", "own_model:make", "--image", "photo.png", "--true", "x"], "have no names"),
    ],
)
def test_other_mistakes_get_one_sentence(own, said, words, sentence):
    before = sorted(own.iterdir())
    code, told = said(*words)
    assert code == 2
    assert sentence in told.err
    assert "Traceback" not in told.err
    assert [p for p in sorted(own.iterdir()) if p.name != "__pycache__"] == before


def test_classes_in_a_file(own, said):
    (own / "names.txt").write_text("cat\ndog\n")
    _, told = said("--model", "own_model:make", "--image", "photo.png", "--classes", "names.txt",
                   "--true", "cat")  # fmt: skip
    assert "true cat, predicted" in told.out
