"""Load the frameworks before the tests, so that their own warnings are nobody's failure.

Only where ``apart`` runs this folder: the process of all other tests reads it too, and TensorFlow
must not be loaded there (torch's CUDA build, which loads Triton, dies beside it).
"""

import importlib
import importlib.util
import os
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    wanted = ["tensorflow", *(["keras"] if "KERAS_BACKEND" in os.environ else [])]
    for name in wanted if "ANYPOOL_APART" in os.environ else []:
        if importlib.util.find_spec(name):
            importlib.import_module(name)
