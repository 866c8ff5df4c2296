"""Data sets of PyTorch and Hugging Face, and the made sets whose answer is known."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("pooch", reason="pooch is not installed")
pytest.importorskip("PIL", reason="pillow is not installed")

import torch
from PIL import Image
from torch.nn import functional

from anypool import PoolError
from anypool.study.data import from_dataset, load
from anypool.study.data.made import BOARD, FIELD, FIGURES

RNG = np.random.default_rng(8)
X = RNG.integers(0, 256, (8, 3, 6, 5), dtype=np.uint8)
Y = np.arange(8) % 2


class Listed(torch.utils.data.Dataset):
    """A torch dataset that never ends when it is iterated, as the protocol allows."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i % len(self)], self.labels[i % len(self)]


class Streamed(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter(zip(X, Y, strict=True))


class Table:
    """What Hugging Face's datasets promise: columns, features and rows."""

    def __init__(self, names=None, **columns):
        self.columns = columns
        self.column_names = list(columns)
        labels = type("ClassLabel", (), {"names": names})() if names else object()
        self.features = dict.fromkeys(columns, object()) | {
            name: labels for name in columns if name.startswith("label")
        }

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def __getitem__(self, i):
        return {name: column[i] for name, column in self.columns.items()}


def pillow(images):
    return [Image.fromarray(image.transpose(1, 2, 0)) for image in images]


# --- torch ----------------------------------------------------------------------------------------
IMAGES = {
    "bytes": list(X),
    "last": list(X.transpose(0, 2, 3, 1)),
    "pillow": pillow(X),
    "tensors": list(torch.from_numpy(X)),
}


@pytest.mark.parametrize("images", IMAGES.values(), ids=IMAGES)
def test_torch_datasets_of_any_images(images):
    data = from_dataset("mine", Listed(images, Y), Listed(images[:4], Y[:4]))
    assert np.array_equal(data.train_images, X)
    assert data.train_labels.tolist() == Y.tolist()
    assert data.classes == ("0", "1")


@pytest.mark.parametrize("labels", [list(Y), list(torch.from_numpy(Y)), [int(y) for y in Y]])
def test_labels_may_be_tensors(labels):
    data = from_dataset("mine", Listed(X, labels), Listed(X, labels))
    assert data.train_labels.tolist() == Y.tolist()


def test_float_tensors_and_many_sizes():
    images = [torch.rand(1, 4 + i, 5) for i in range(8)]
    data = from_dataset("mine", Listed(images, Y), Listed(images, Y))
    assert data.ragged
    assert data.train_images[3].dtype == np.float32
    assert np.array_equal(data.train_images[3], images[3].numpy())


def test_streams_and_class_names():
    assert len(from_dataset("mine", Streamed(), Streamed()).train_labels) == 8
    named = Listed(X, Y)
    named.classes = ["cat", "dog"]
    assert from_dataset("mine", named, named).classes == ("cat", "dog")
    assert from_dataset("mine", named, named, ["a", "b"]).classes == ("a", "b")


# --- Hugging Face ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("image", "label"), [("image", "label"), ("img", "labels"), ("pixel_values", "label")]
)
def test_usual_columns_are_found(image, label):
    table = Table(["cat", "dog"], **{image: pillow(X), label: list(Y), "id": list(range(8))})
    data = from_dataset("hub", table, table)
    assert np.array_equal(data.train_images, X)
    assert data.classes == ("cat", "dog")


def test_other_columns_are_named():
    table = Table(scan=pillow(X), label_kind=["dog", "cat"] * 4)
    data = from_dataset("hub", table, table, image="scan", label="label_kind")
    assert data.classes == ("cat", "dog")
    assert data.train_labels.tolist() == [1, 0] * 4


def test_grey_and_transparent_pictures_are_read():
    clear = Image.new("RGBA", (5, 6), (9, 9, 9, 0))
    deep = Image.fromarray(np.full((6, 5), 0xFFFF, np.uint16))
    pictures = [clear, deep, *pillow(X[2:])]
    data = from_dataset("hub", Listed(pictures, Y), Listed(pictures, Y))
    assert data.train_images.shape == X.shape
    assert (data.train_images[:2] == 255).all()


@pytest.mark.parametrize(
    ("train", "options", "words"),
    [
        (Table(scan=list(X), label=list(Y)), {}, r"no column image or img.*has scan, label: say"),
        (Table(image=list(X), label=list(Y)), {"label": "kind"}, "no column 'kind'; it has image"),
        (Listed(X[:0], Y[:0]), {}, "mine is empty"),
        (Listed(X, Y / 2), {}, "labels are of type float64"),
        (Listed(X, ["cat", "cow"] * 4), {"classes": ["cat", "dog"]}, "the label 'cow', which is"),
        (Listed([X] * 8, Y), {}, r"an image of shape \(8, 3, 6, 5\)"),
        (list(X), {}, r"an item of the dataset is ndarray; \(image, label\)"),
    ],
)
def test_a_strange_dataset_is_one_sentence(train, options, words):
    with pytest.raises(PoolError, match=words):
        from_dataset("mine", train, train, **options)


# --- the made sets --------------------------------------------------------------------------------
DIGESTS = {
    "target": "5682eb5529ee060c",
    "texture": "2bd89e2e680800f7",
    "tie": "e1f76974d14adf8b",
    "target:seed=3": "9a94bf887526a99e",
}


@pytest.mark.parametrize("name", DIGESTS)
def test_made_sets_are_the_same_bit_for_bit_everywhere(name):
    data = load(name)
    assert data.train_images.shape == (4000, 1, 20, 20)
    assert data.test_images.shape == (2000, 1, 20, 20)
    assert data.classes == ("bar", "post", "cross", "ring")
    assert np.bincount(data.train_labels).min() > 900
    assert data.digest[:16] == DIGESTS[name]


def responses(name) -> tuple[torch.Tensor, torch.Tensor]:
    """How well each of the four figures fits at each place, and the classes."""
    data = load(f"{name}:train=10,test=1000")
    figures = torch.tensor(FIGURES - FIGURES.mean((1, 2), keepdims=True)).float()
    figures /= figures.norm(dim=(1, 2), keepdim=True)
    images = torch.from_numpy(data.test_images).float()
    return functional.conv2d(images, figures[:, None]), torch.from_numpy(data.test_labels)


def right(scores, labels) -> float:
    return (scores.argmax(1) == labels).float().mean().item()


def test_the_brightest_figure_is_what_the_maximum_of_a_plain_filter_sees():
    fit, labels = responses("target")
    assert right(fit.amax((2, 3)), labels) > 0.7
    assert right(fit.relu().mean((2, 3)), labels) < 0.45


def test_no_figure_of_a_mirrored_image_changes():
    assert np.array_equal(FIGURES, FIGURES[:, :, ::-1])
    assert np.array_equal(FIGURES, FIGURES[:, ::-1])


def test_every_field_of_a_tie_is_the_same():
    images = load("tie:train=10,test=200").test_images
    fields = images.reshape(200, BOARD, FIELD, BOARD, FIELD)
    assert (fields == fields[:, :1, :, :1]).all()


def test_the_commonest_figure_is_what_the_average_of_a_plain_filter_sees():
    fit, labels = responses("texture")
    assert right(fit.relu().mean((2, 3)), labels) > 0.4
    assert right(fit.amax((2, 3)), labels) < 0.35


class Net(torch.nn.Module):
    """One convolution as wide as a figure, class maps, one pooling: a study at its smallest."""

    def __init__(self, pool, width=16):
        super().__init__()
        layers, before = [], 1
        for kernel in (3, 1):
            layers += [torch.nn.Conv2d(before, width, kernel), torch.nn.BatchNorm2d(width)]
            layers += [torch.nn.ReLU()]
            before = width
        self.maps, self.pool = torch.nn.Sequential(*layers, torch.nn.Conv2d(width, 4, 1)), pool

    def forward(self, x):
        return self.pool(self.maps(x))


POOLS = {"avg": lambda maps: maps.mean((2, 3)), "max": lambda maps: maps.amax((2, 3))}


@pytest.fixture
def alone():
    """One thread: on a busy machine several wait for each other longer than they work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def accuracy(data, pool, seed, epochs) -> float:
    images, test = (
        torch.from_numpy(x).float() / 64 - 1 for x in (data.train_images, data.test_images)
    )
    labels = torch.from_numpy(data.train_labels)
    torch.manual_seed(seed)
    net = Net(POOLS[pool])
    optimiser = torch.optim.AdamW(net.parameters(), 1e-2)
    steps = epochs * -(-len(labels) // 100)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=steps)
    for _ in range(epochs):
        for some in torch.randperm(len(labels)).split(100):
            optimiser.zero_grad()
            functional.cross_entropy(net(images[some]), labels[some]).backward()
            optimiser.step()
            cycle.step()
    with torch.no_grad():
        return right(net.eval()(test), torch.from_numpy(data.test_labels))


def both(name):
    data = load(f"{name}:train=1500,test=1000")
    return {pool: accuracy(data, pool, seed=0, epochs=6) for pool in POOLS}


@pytest.mark.nightly
@pytest.mark.usefixtures("alone")
def test_the_maximum_wins_on_the_target():
    found = both("target")
    assert found["max"] > found["avg"] + 0.1


@pytest.mark.nightly
@pytest.mark.usefixtures("alone")
def test_the_average_wins_on_the_texture():
    found = both("texture")
    assert found["avg"] > found["max"] + 0.1


@pytest.mark.nightly
@pytest.mark.usefixtures("alone")
def test_nobody_wins_on_the_tie():
    found = both("tie")
    assert min(found.values()) > 0.995
