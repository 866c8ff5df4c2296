"""The page on TensorFlow and every docstring of its room."""

import doctest
import importlib
from pathlib import Path

import pytest

import anypool

HERE = Path(anypool.__file__).parent
PAGES = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", sorted(p.stem for p in (HERE / "tensorflow").glob("*.py")))
def test_docstrings(name):
    module = importlib.import_module(f"anypool.tensorflow.{name}".removesuffix(".__init__"))
    assert doctest.testmod(module).failed == 0


def test_the_page():
    if not PAGES.exists():
        pytest.skip("needs the checkout: the documents are not in the wheel")
    failed, tried = doctest.testfile(str(PAGES / "tensorflow.md"), module_relative=False)
    assert tried >= 20
    assert not failed
