"""Load the frameworks before the tests, so that their own warnings are nobody's failure."""

import importlib
import os
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for name in ("tensorflow", *(["keras"] if "KERAS_BACKEND" in os.environ else [])):
        importlib.import_module(name)
