"""The Keras front on each backend: every backend in a process of its own, see ``apart``."""

import os
import subprocess
import sys

import pytest

import apart

apart.need("keras")
pytestmark = pytest.mark.timeout(1800)
BACKENDS = ("tensorflow", "torch", "jax")
EACH = pytest.mark.parametrize("backend", BACKENDS)


@EACH
def test_layers(backend):
    assert apart.run("keras_layers", backend=apart.need(backend), every=2) > 170


@EACH
def test_models(backend):
    assert apart.run("keras_models", backend=apart.need(backend), every=3) > 30


@EACH
def test_the_tests_of_keras_pass_with_our_layers(backend):
    assert apart.run("keras_wheel", backend=apart.need(backend)) >= 136


@EACH
def test_the_page_and_the_docstrings(backend):
    assert apart.run("keras_pages", backend=apart.need(backend)) > 12


@EACH
@pytest.mark.nightly
def test_the_rest(backend):
    files = "keras_layers", "keras_models"
    assert apart.run(*files, backend=apart.need(backend), marks="", most=5000) > 700


# --- what is loaded, and what is missing --------------------------------------------------------


def told(program: str, **environment: str) -> str:
    """What a program in a fresh process prints last."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "torch", **environment}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], env={**os.environ, **quiet}, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.splitlines()[-1]


CATCH = """
try:
    import anypool.keras
except Exception as error:
    print(f"{type(error).__name__}: {error}")
"""


def test_keras_is_not_loaded_before_it_is_used():
    program = "import sys, anypool as ap; print({'keras', 'tensorflow'} & set(sys.modules))"
    assert told(program) == "set()"


def test_without_keras():
    found = told(f"import sys; sys.modules['keras'] = None\n{CATCH}")
    assert found == (
        "ModuleNotFoundError: anypool.keras needs Keras, which is not installed: "
        "pip install 'anypool[keras]'"
    )


def test_a_backend_that_is_not_installed():
    found = told(f"import sys; sys.modules['jax'] = None\n{CATCH}", KERAS_BACKEND="jax")
    assert found == (
        "ModuleNotFoundError: Keras is set to a backend that needs jax, which is not installed; "
        "install it, or set KERAS_BACKEND to tensorflow, jax or torch"
    )


def test_a_backend_that_keras_does_not_know():
    found = told(CATCH, KERAS_BACKEND="abacus")
    assert found == (
        "PoolError: KERAS_BACKEND is 'abacus', which Keras does not know; set it to tensorflow, "
        "jax or torch"
    )


def test_a_backend_that_we_do_not_know():
    program = (
        "import keras, anypool as ap\n"
        "from anypool.keras import home\n"
        "home.keras.backend.backend = lambda: 'openvino'\n"
        "try:\n    home.backend()\nexcept ap.PoolError as error:\n    print(error)\n"
    )
    assert told(program).startswith('Keras runs on "openvino", which anypool.keras does not know')


def test_the_numpy_backend_pools_too():
    program = (
        "import numpy as np, anypool.keras as ak\n"
        "x = np.arange(8.0).reshape(1, 4, 2)\n"
        "print(ak.AdaptiveMaxPooling1D(2)(x).tolist(), ak.GeMPooling1D(2)(x).shape)\n"
    )
    assert told(program, KERAS_BACKEND="numpy") == "[[[2.0, 3.0], [6.0, 7.0]]] (1, 2, 2)"
