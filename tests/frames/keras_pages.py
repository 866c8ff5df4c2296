"""The page on Keras and every docstring of its room, run on the backend at hand."""

import doctest
import importlib
from pathlib import Path

import pytest

import anypool

HERE = Path(anypool.__file__).parent
PAGES = Path(__file__).resolve().parents[2] / "docs"
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy")


@pytest.mark.parametrize("name", sorted(p.stem for p in (HERE / "keras").glob("*.py")))
def test_docstrings(name):
    module = importlib.import_module(f"anypool.keras.{name}".removesuffix(".__init__"))
    assert doctest.testmod(module).failed == 0


def test_every_layer_with_a_name_of_keras_has_an_example():
    import anypool.keras as ak

    finder = doctest.DocTestFinder(recurse=False)
    for name in ak.named.__all__:
        [found] = finder.find(getattr(ak, name), name, globs={})
        assert found.examples
        assert doctest.DocTestRunner().run(found).failed == 0


def test_the_page():
    if not PAGES.exists():
        pytest.skip("needs the checkout: the documents are not in the wheel")
    failed, tried = doctest.testfile(str(PAGES / "keras.md"), module_relative=False)
    assert tried >= 20
    assert not failed
