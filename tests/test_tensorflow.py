"""TensorFlow tensors straight into anypool: run in a process of their own, see ``apart``."""

import subprocess
import sys

import pytest

import apart

apart.need("tensorflow")
pytestmark = pytest.mark.timeout(1800)


def test_every_value_in_every_way_of_calling():
    assert apart.run("tf_values", every=2) > 250


def test_tapes_variables_files_and_bad_input():
    assert apart.run("tf_ways", every=2) > 70


def test_the_page_and_the_docstrings():
    assert apart.run("tf_pages") > 10


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_the_whole_table():
    assert apart.run("tf_values", "tf_ways", marks="", most=7000) > 5500


def test_a_child_that_fails_is_noticed():
    with pytest.raises(AssertionError, match="no_such_file on its own"):
        apart.run("no_such_file")


def test_arrays_of_numpy_load_no_front():
    """TensorFlow is only looked for where the process has it loaded."""
    program = (
        "import sys, warnings; warnings.simplefilter('ignore')\n"
        "import numpy as np, anypool as ap\n"
        "ap.max_pool(np.arange(6.0), 2)\n"
        "assert not {'tensorflow', 'anypool.tensorflow'} & set(sys.modules)\n"
        "import tensorflow as tf\n"
        "ap.max_pool(np.arange(6.0), 2)\n"
        "assert 'anypool.tensorflow' not in sys.modules\n"
        "y = ap.max_pool(tf.range(6.0), 2)\n"
        "assert isinstance(y, tf.Tensor)\n"
        "assert 'anypool.tensorflow.front' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_without_tensorflow():
    program = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "import anypool as ap\n"
        "try:\n"
        "    ap.tensorflow\n"
        "except ModuleNotFoundError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True,
                          text=True)  # fmt: skip
    assert done.stdout.startswith("anypool.tensorflow needs TensorFlow, which is not installed")
