"""Load the frameworks before the tests, so that their own warnings are nobody's failure."""

import importlib
import importlib.util
import os
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for name in ("tensorflow", *(["keras"] if "KERAS_BACKEND" in os.environ else [])):
        if importlib.util.find_spec(name):  # this folder is read, though not run, without them too
            importlib.import_module(name)
