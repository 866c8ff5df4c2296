"""Run the notebooks of docs/course anew and keep them with what they gave.

`python scripts/course.py` runs all, `python scripts/course.py 2-windows` those that are named.
With `--check` nothing is written: the code of the answers is run too, and text that differs from
what is kept is an error, except in notebooks that train (metadata "course": {"trains": true}),
whose last digits depend on the machine.
A cell tagged "live" is run, and its output is not kept. Warnings in a notebook are errors.
"""

import argparse
import hashlib
import json
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "course"
LARGEST = 400_000  # bytes: a code host still shows it, and the checkout stays small
SECONDS = 540  # for one cell; a minute where nobody else is at work
# the notebook's own warnings are errors, and so are anypool's; the kernel's machinery is not ours
STRICT = """
import warnings as _warnings
_warnings.simplefilter("error")
for _module in ("ipykernel", "IPython", "jupyter", "traitlets", "tornado", "zmq", "asyncio"):
    _warnings.filterwarnings("ignore", module=rf"{_module}\\b")
"""
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def notebooks(names: list[str]) -> list[Path]:
    """The files that are asked for, by name or path; all, in the course's order, if none is."""
    course = {file.stem: file for file in sorted(FOLDER.glob("*.ipynb"))}
    found = [course.get(name, Path(name)) for name in names or course]
    for file in found:
        if not file.is_file():
            sys.exit(f"no such notebook: {file}; there are {', '.join(course)}")
    return found


def run(notebook: NotebookNode, answers: bool = False) -> NotebookNode:
    """The notebook with new outputs; raises CellExecutionError where a cell does."""
    own = notebook.cells
    after = answers_of(notebook) if answers else ()
    around = [[nbformat.v4.new_code_cell(code) for code in codes] for codes in ([STRICT], after)]
    notebook.cells = [*around[0], *own, *around[1]]
    client = NotebookClient(
        notebook, timeout=SECONDS, record_timing=False, coalesce_streams=True,
        kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}},
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as home:
        if os.name != "nt":  # sockets of our own instead of ports that everyone can read
            manager = client.create_kernel_manager()
            manager.transport, manager.ip = "ipc", f"{home}/kernel"
        with client.setup_kernel(env=_environment(home)):
            for place, cell in enumerate(notebook.cells):
                client.execute_cell(cell, place, store_history=cell in own)
    notebook.cells = own
    return notebook


def _environment(home: str) -> dict[str, str]:
    """This one, with this checkout's anypool, and without the user's settings of IPython."""
    paths = [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    # threads that wait must sleep: spinning, they take the time of whoever else is at work
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(paths), "IPYTHONDIR": home, "TMPDIR": home,
        "MPLBACKEND": "agg", "OMP_WAIT_POLICY": "PASSIVE", "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }  # fmt: skip


def answers_of(notebook: NotebookNode) -> Iterator[str]:
    """The Python code in the answers to the exercises."""
    for cell in notebook.cells:
        for answer in re.findall(r"<details>.*?</details>", cell.source, re.DOTALL):
            yield from re.findall(r"^```python\n(.*?)^```", answer, re.MULTILINE | re.DOTALL)


def tidy(notebook: NotebookNode) -> NotebookNode:
    """The same on every machine: ids from what a cell says, no times, no versions of Python."""
    seen: Counter[str] = Counter()
    notebook.metadata = NotebookNode(METADATA | {"course": notebook.metadata.get("course", {})})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        name = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
        seen[name] += 1
        cell.id = name if seen[name] == 1 else f"{name}-{seen[name]}"
        tags = cell.metadata.get("tags")
        cell.metadata = NotebookNode({"tags": tags} if tags else {})
        if "live" in (tags or ()):
            cell.outputs = []
    return notebook


def texts(notebook: NotebookNode) -> list[str]:
    """What every code cell printed or gave as text."""
    return [
        "".join(
            output.get("text", "") or output.get("data", {}).get("text/plain", "")
            for output in cell.outputs
        )
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def complaints(made: NotebookNode) -> list[str]:
    """What a notebook may not leave behind: words on stderr, and too many bytes."""
    streams = [o for c in made.cells if c.cell_type == "code" for o in c.outputs]
    told = [f"on stderr: {o.text.strip()}" for o in streams if o.get("name") == "stderr"]
    size = len(written(made).encode())
    return told + ([f"it has {size} bytes; at most {LARGEST} are kept"] if size > LARGEST else [])


def differences(kept: NotebookNode, made: NotebookNode) -> list[str]:
    """Where the text of a cell is not what is kept; notebooks that train may differ."""
    if kept.metadata.get("course", {}).get("trains"):
        return []
    pairs = zip(texts(kept), texts(made), strict=True)
    return [
        f"cell {n} gave\n{now}\nand what is kept is\n{was}"
        for n, (was, now) in enumerate(pairs, 1)
        if was != now
    ]


def written(notebook: NotebookNode) -> str:
    """The file's text, its keys in one order."""
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def course(file: Path, check: bool) -> list[str]:
    """Run one notebook; what is wrong with it. Without `check` it is written back."""
    kept: Any = nbformat.read(file, as_version=4)
    made: Any = nbformat.read(file, as_version=4)
    try:
        made = tidy(run(made, answers=check))
    except CellExecutionError as error:
        return [re.sub(r"\x1b\[[\d;]*m", "", str(error))]
    wrong = complaints(made) + (differences(tidy(kept), made) if check else [])
    if not check and not wrong:
        file.write_text(written(made), "utf-8")
    return wrong


def main() -> int:
    """Run what is asked for, one kernel at a time; 1 if something is wrong."""
    parser = argparse.ArgumentParser("python scripts/course.py", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NOTEBOOK", help="such as 2-windows")
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    asked = parser.parse_args()
    failed = False
    for file in notebooks(asked.names):
        wrong = course(file, asked.check)
        failed = failed or bool(wrong)
        print(*[f"{file.name}: {words}" for words in wrong or ["well"]], sep="\n", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
