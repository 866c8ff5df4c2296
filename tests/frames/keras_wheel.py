"""Keras's own tests of its pooling layers, from its wheel, with our layers in place of Keras's."""

from __future__ import annotations

import keras.src.layers
import pytest
from keras.src.layers.pooling import (
    adaptive_pooling1d_test,
    adaptive_pooling2d_test,
    adaptive_pooling3d_test,
    average_pooling_test,
    global_average_pooling_test,
    global_max_pooling_test,
    max_pooling_test,
)

import anypool.keras as ak
from anypool.keras import named

FILES = (
    adaptive_pooling1d_test, adaptive_pooling2d_test, adaptive_pooling3d_test,
    average_pooling_test, global_average_pooling_test, global_max_pooling_test, max_pooling_test,
)  # fmt: skip
for _file in FILES:
    for _name, _found in list(vars(_file).items()):
        if isinstance(_found, type) and issubclass(_found, keras.src.testing.TestCase):
            globals()[f"Test{_name}"] = _found
            for _test in vars(_found).values():
                # Keras leaves out what it gets wrong on PyTorch ("same" averages); ours are right
                if hasattr(_test, "pytestmark"):
                    _test.pytestmark = [m for m in _test.pytestmark if m.name != "skipif"]
del _found

# what Keras says about its own tests and NumPy 2
pytestmark = [
    pytest.mark.filterwarnings("ignore:.shuffle=True. was passed"),
    pytest.mark.filterwarnings("ignore:The model does not have any trainable weights"),
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy"),
]


@pytest.fixture(autouse=True, scope="module")
def ours():
    """Our layers under Keras's names."""
    with pytest.MonkeyPatch.context() as patch:
        for name in named.__all__:
            if hasattr(keras.src.layers, name):
                patch.setattr(keras.src.layers, name, getattr(ak, name))
        yield


def test_our_layers_are_the_ones_under_test():
    assert keras.src.layers.MaxPooling2D is ak.MaxPooling2D
    assert len(named.__all__) == 30


def test_nothing_is_left_out(request):
    """All of Keras's tests run: 134 in Keras 3.15, and none of them is skipped."""
    found = [item for item in request.session.items if item.cls is not None]
    assert len(found) >= 134
    assert not any(item.get_closest_marker(mark) for item in found for mark in ("skip", "skipif"))
