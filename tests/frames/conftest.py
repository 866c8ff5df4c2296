"""Load the frameworks before the tests, so that their own warnings are nobody's failure.

Only where ``apart`` runs this folder: the process of all other tests reads it too. Triton, which
torch's CUDA build and Keras on torch load, ends the process if TensorFlow was there before it.
"""

import importlib
import importlib.util
import os
import warnings

import pytest

ORDER = {
    "": ["tensorflow"], "torch": ["keras", "tensorflow"], "jax": ["tensorflow", "keras"],
    "tensorflow": ["tensorflow", "keras"],
}  # fmt: skip
apart = os.environ.get("ANYPOOL_APART", "gpu")
wanted = [] if apart.startswith("gpu") else ORDER[os.environ.get("KERAS_BACKEND", "")]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for name in wanted:
        if importlib.util.find_spec(name):
            importlib.import_module(name)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """One test in ``ANYPOOL_EVERY``; see ``apart.run`` and ``daily``."""
    import daily

    waiting = set(daily.left(items, lambda item: int(os.environ.get("ANYPOOL_EVERY", "1"))))
    config.hook.pytest_deselected(items=[*waiting])
    items[:] = [item for item in items if item not in waiting]
