"""The course's notebooks run as they stand, answers too, and what is kept is what they give."""

import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "course"
if not FOLDER.exists():
    pytest.skip("needs the checkout: the course is not in the wheel", allow_module_level=True)
FILES = sorted(FOLDER.glob("*.ipynb"))
LARGEST = 400_000
IMPORTS = {"numpy", "anypool", "torch", "sklearn", "skimage", "matplotlib"}


def load(file):
    return json.loads(file.read_text("utf-8"))


def trains(file):
    return bool(load(file)["metadata"]["course"].get("trains"))


AT_NIGHT = ("3-photographs", "5-global-pooling", "6-which-pooling")


def cases():
    """Every notebook; those that train networks are slow, and some train for a minute."""
    slow = [pytest.mark.slow, pytest.mark.timeout(600)]
    marks = {file: slow if trains(file) else [] for file in FILES}
    long = {file: [pytest.mark.nightly] for file in FILES if file.stem in AT_NIGHT}
    return [pytest.param(file, id=file.stem, marks=marks[file] + long.get(file, []))
            for file in FILES]  # fmt: skip


def source(cell):
    return "".join(cell["source"])


def code(file):
    return [cell for cell in load(file)["cells"] if cell["cell_type"] == "code"]


def need(*packages):
    """Skip without them; a warning that one of them gives when imported is none of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for package in packages:
            pytest.importorskip(package, reason=f"{package} is not installed")


def check(*names):
    """What scripts/course.py says of some notebooks, in a process of its own."""
    command = [sys.executable, str(ROOT / "scripts" / "course.py"), "--check", *map(str, names)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_contents_name_every_notebook():
    assert len(FILES) == 7
    told = (FOLDER / "README.md").read_text("utf-8")
    assert re.findall(r"\]\((\d[\w-]+)\.ipynb\)", told) == [file.stem for file in FILES]


@pytest.mark.parametrize("file", cases())
def test_the_notebook_runs(file):
    need("nbclient", "nbformat", "ipykernel")
    text = "\n".join(source(cell) for cell in code(file))
    need(*(set(re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE)) & IMPORTS))
    if "inline" in text:
        need("matplotlib")
    if "study" in text:
        need("scipy", "sqlalchemy", "pooch", "jinja2", "sklearn", "torch")
    done = check(file.stem)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_notebook_is_kept_whole(file):
    """Run from top to bottom without a fault, small enough to be shown, with exercises."""
    cells = code(file)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    assert file.stat().st_size <= LARGEST
    words = "\n".join(source(c) for c in load(file)["cells"] if c["cell_type"] == "markdown")
    assert len(re.findall("<details>", words.split("## Exercises")[1])) in {2, 3}
    assert "assert " in "\n".join(source(cell) for cell in cells)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nothing_of_a_machine_is_kept(file):
    """No times, no paths, no addresses in memory: the same run gives the same file."""
    kept = load(file)
    assert set(kept["metadata"]) == {"course", "kernelspec", "language_info"}
    assert all(set(cell["metadata"]) <= {"tags"} for cell in kept["cells"])
    told = [words for cell in code(file) for o in cell["outputs"] for words in spoken(o)]
    assert not re.search(r"0x[0-9a-f]{6,}|/(tmp|home|root|work|usr)/", "\n".join(told))


def spoken(output):
    """The words of an output, without its pictures."""
    yield "".join(output.get("text", ""))
    for kind, words in output.get("data", {}).items():
        if not kind.startswith("image/"):
            yield re.sub("base64,[^\"']*", "", "".join(words))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_links_of_the_notebook_lead_somewhere(file):
    words = "\n".join(source(c) for c in load(file)["cells"] if c["cell_type"] == "markdown")
    prose = re.sub(r"^```.*?^```", "", words, flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", prose)
    assert [target for target in targets if not (FOLDER / target).exists()] == []


def notebook(*cells):
    """A notebook of code cells, each with the text that is kept of it, and words."""
    made = [
        {"cell_type": "markdown", "id": f"m{n}", "metadata": {}, "source": cell}
        if isinstance(cell, str)
        else {
            "cell_type": "code", "id": f"c{n}", "metadata": {}, "source": cell[0],
            "execution_count": n,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": cell[1]}],
        }
        for n, cell in enumerate(cells, 1)
    ]  # fmt: skip
    return {"cells": made, "metadata": {"course": {}}, "nbformat": 4, "nbformat_minor": 5}


ANSWER = "<details><summary>Answer</summary>\n\n```python\nassert x == 2\n```\n\n</details>"
FAULTS = {
    "what is kept is old": (notebook(("print(1 + 1)", "3\n")), "gave\n2\n\nand what is kept is\n3"),
    "a warning": (notebook(("import warnings\nwarnings.warn('old')", "")), "UserWarning: old"),
    "words on stderr": (notebook(("import sys\nprint('so', file=sys.stderr)", "")), "stderr: so"),
    "a wrong answer": (notebook(("x = 1", ""), ANSWER), "AssertionError"),
    "none": (notebook(("x = 2", ""), ("print(x)", "2\n"), ANSWER), ": well"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_a_notebook_are_noticed(fault, tmp_path):
    need("nbclient", "nbformat", "ipykernel")
    made, words = FAULTS[fault]
    (tmp_path / "made.ipynb").write_text(json.dumps(made), "utf-8")
    done = check(tmp_path / "made.ipynb")
    assert words in done.stdout, done.stdout + done.stderr
    assert done.returncode == (fault != "none")
