"""Docs, help and code say the same: commands, options, the README's example, every docstring."""

import doctest
import importlib
import re
import shlex
import sys
from pathlib import Path

import pytest
import typer

import anypool
from anypool.cli import app

ROOT = Path(__file__).resolve().parent.parent


def flat(commands, above=""):
    """Every command by its words: "explain", "study run"."""
    for name, command in commands.items():
        inner = getattr(command, "commands", None)
        if inner:
            yield from flat(inner, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


COMMANDS = dict(flat(typer.main.get_command(app).commands))
# what a docstring may need that is not installed everywhere
EXTRAS = {
    *("numba", "llvmlite", "torch", "triton", "jax", "matplotlib", "PIL", "scipy", "sqlalchemy"),
    *("pooch",),
    *("jinja2", "markupsafe", "sklearn", "optuna", "ray", "pyarrow", "psycopg", "requests"),
}
HOUSE = Path(anypool.__file__).parent
APART = {"keras", "tensorflow"}  # run in processes of their own: tests/frames/*_pages.py
PEERS = HOUSE / "bench" / "peers"  # each is loaded in a process of its own, and has no examples
MODULES = sorted(
    ".".join(["anypool", *file.relative_to(HOUSE).with_suffix("").parts]).removesuffix(".__init__")
    for file in HOUSE.rglob("*.py")
    if file.stem != "__main__"
    and file.relative_to(HOUSE).parts[0] not in APART
    and (file.parent != PEERS or file.stem == "__init__")
)


def text(name):
    """A document of the checkout; the tests of the built wheel run without them."""
    if not (ROOT / "Makefile").exists():
        pytest.skip("needs the checkout: the documents are not in the wheel")
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(document, language):
    """The fenced blocks of a document."""
    return re.findall(rf"^```{language}\n(.*?)^```", document, re.MULTILINE | re.DOTALL)


def typed_commands(document):
    """The lines of all blocks that call anypool, and the calls inside the text."""
    lines = "\n".join(re.findall(r"^```\w*\n(.*?)^```", document, re.MULTILINE | re.DOTALL))
    found = re.findall(r"^(?:\$ )?(anypool .*)$", lines, re.MULTILINE)
    return [shlex.split(line) for line in found + re.findall(r"`(anypool [^`]+)`", document)]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name):
    command = COMMANDS[name]
    assert command.help
    assert command.epilog.startswith(f"Example: anypool {name}")
    assert all(option.help for option in command.params if option.name != "help")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name):
    section = text("docs/command-line.md").split(f"## anypool {name}\n")[1].split("\n## ")[0]
    options = {word for p in COMMANDS[name].params for word in p.opts if word.startswith("--")}
    assert set(re.findall(r"`(--[\w-]+)`", section)) - {"--help"} == options - {"--help"}


@pytest.mark.parametrize(
    "document", ["README.md", "docs/index.md", "docs/command-line.md", "docs/claims.md"]
)
def test_documented_commands_exist(document):
    for _, *words in typed_commands(text(document)):
        known = COMMANDS.get(words[0]) or COMMANDS.get(" ".join(words[:2]))
        options = [word for word in words if word.startswith("--")]
        accepted = known.params if known else typer.main.get_command(app).params
        assert known or words[0] in {"--help", "--version", "study"}, words
        assert set(options) <= {"--help", *(o for p in accepted for o in p.opts)}, words


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_documented_doors_exist(document):
    doors = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", "\n".join(code_of(text(document)))))
    assert named
    assert named <= doors


def code_of(document):
    """Everything set as code, in blocks and in lines."""
    return re.findall(r"```.*?```|`[^`\n]+`", document, re.DOTALL)


def test_the_checks_call_the_doors_of_the_readme():
    assert {"make demo", "make test"} <= set(re.findall(r"make \w+", text(".ci/run")))


@pytest.mark.parametrize(
    "document", ["README.md", "docs/index.md", "docs/claims.md", "docs/course/README.md"]
)
def test_links_lead_somewhere(document):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text(document))
    assert targets
    assert [t for t in targets if not ((ROOT / document).parent / t).exists()] == []


def test_the_example_of_the_readme_runs():
    [example, *_] = blocks(text("README.md"), "python")
    found = doctest.DocTestParser().get_doctest(as_session(example), {}, "README", "README.md", 0)
    assert found.examples
    assert doctest.DocTestRunner().run(found).failed == 0


def as_session(example):
    """The example as a doctest: a comment `# [1, 2]` after a line is what the line gives."""
    lines = []
    for line in example.splitlines():
        code, _, given = line.partition("  # ")
        lines += [f">>> {code}"] * bool(code) + [given.strip()] * bool(given)
    return "\n".join(lines) + "\n"


# modules that load without a package, whose examples need it
LATE = {
    "anypool.see.features": "torch",
    "anypool.see.classmaps": "torch",
    "anypool.see.figure": "matplotlib",
    "anypool.see.images": "matplotlib",
    "anypool.see.window_picture": "matplotlib",
    "anypool.warm": "numba",
}


def tried(name):
    """The doctests of a module: how many failed, and how many there are."""
    if name in LATE:
        pytest.importorskip(LATE[name], reason=f"{LATE[name]} is not installed")
    try:
        return doctest.testmod(importlib.import_module(name), report=False)
    except ModuleNotFoundError as error:
        if error.name.split(".")[0] not in EXTRAS:
            raise
        pytest.skip(f"{error.name} is not installed")


@pytest.mark.parametrize("name", MODULES)
def test_docstrings_run(name):
    assert tried(name).failed == 0


@pytest.mark.parametrize(
    "name",
    [
        "anypool.ops",
        "anypool.explain",
        "anypool.see.image",
        "anypool.see.explorer",
        *sorted(LATE),
    ],
)
def test_the_public_doors_have_examples(name):
    assert tried(name).attempted > 0


@pytest.mark.parametrize("name", anypool.__all__)
def test_every_public_function_has_a_docstring_with_an_example(name):
    thing = getattr(anypool, name)
    assert thing.__doc__
    assert not callable(thing) or isinstance(thing, type) or ">>>" in thing.__doc__


PAGES = {
    "guide": 20,
    "torch": 20,
    "jax": 20,
    "study": 8,
    "claims": 30,
    "explorer": 4,
}  # name -> examples at least
NEEDED = {
    "torch": ["torch"],
    "jax": ["jax"],
    "study": ["torch", "scipy", "sklearn"],
    "claims": ["torch"],
    "explorer": ["PIL"],
}


@pytest.mark.parametrize(("name", "least"), PAGES.items())
def test_the_pages_run(name, least):
    for package in NEEDED.get(name, []):
        pytest.importorskip(package, reason=f"{package} is not installed")
    text(f"docs/{name}.md")
    failed, tried = doctest.testfile(str(ROOT / f"docs/{name}.md"), module_relative=False)
    assert tried >= least
    assert not failed


def test_the_results_on_the_page_are_the_kept_ones():
    page = text("docs/study.md")
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        import results
    finally:
        sys.path.pop(0)
    assert results.page(page) == page
    assert page.count("### ") >= 2
