"""anypool windows, and the windows that it and anypool explain understand alike."""

import os
import re

import pytest

from anypool.cli import main

pytest.importorskip("matplotlib", reason="matplotlib is not installed")


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run a command in an empty folder; give its exit code, its output and its complaint."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        code = main([str(word) for word in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def words_of(path):
    """The words of a drawing."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text("utf-8"))


def test_three_rules_side_by_side(run, tmp_path):
    assert run("windows", "10", "--adaptive", "7") == (0, "wrote windows.svg\n", "")
    words = words_of(tmp_path / "windows.svg")
    assert [w for w in words if "(7)" in w] == [
        "windows.adaptive(7)", "see.copied(7)", "windows.split(7)",
    ]  # fmt: skip


def test_the_copied_formula_is_left_out_where_it_fails(run, tmp_path):
    code, _, err = run("windows", "5", "--adaptive", "7", "-o", "a.svg")
    assert (code, err) == (0, "note: the copied formula fails where outputs outnumber inputs\n")
    assert not any("copied" in word for word in words_of(tmp_path / "a.svg"))


KINDS = [
    (["--split", "7"], "windows.split(7)"),
    (["--whole"], "windows.whole()"),
    (["--pyramid", "1,2"], "windows.pyramid((1, 2))"),
    (["--pyramid", "3"], "windows.pyramid((3,))"),
    (["--kernel", "2", "--fractional", "6"], "windows.fractional(2, 6)"),
    (["--kernel", "3", "--stride", "2", "--padding", "1"], "windows.sliding(3, 2, padding=1)"),
    (["--kernel", "3", "--padding", "same"], "windows.sliding(3, padding='same')"),
    (["--kernel", "2", "--dilation", "2", "--ceil"],
     "windows.sliding(2, dilation=2, ceil_mode=True)"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "call"), KINDS, ids=str)
def test_every_kind_of_windows(run, tmp_path, options, call):
    assert run("windows", "10", *options, "--out", "a.svg")[0] == 0
    assert call in " ".join(words_of(tmp_path / "a.svg")).replace("&#x27;", "'")
    code, out, err = run("explain", "10", *options)
    assert (code, err) == (0, "")
    assert "10 inputs" in out


def test_two_axes(run, tmp_path):
    assert run("windows", "9x8", "--kernel", "3x2", "-o", "a.png", "--dpi", "40")[0] == 0
    assert os.listdir(tmp_path) == ["a.png"]


def test_numbers_and_a_reduction(run, tmp_path):
    values = "6 9 9 2; 6 9 6 0; 8,3,4,5; 9 2 3 5"
    code, *_ = run("windows", "4x4", "--kernel", "2", "--reduce", "max", "--values", values)
    assert code == 0
    assert words_of(tmp_path / "windows.svg").count("9") >= 6
    code, *_ = run("windows", "4", "--kernel", "2", "--reduce", "max", "--values", "1,5,-2.5,0")
    assert code == 0
    assert "= 5" in words_of(tmp_path / "windows.svg")


def test_a_mean_without_padding(run, tmp_path):
    for extra, first in (([], "÷ 3"), (["--exclude-padding"], "÷ 2")):
        run("windows", "6", "--kernel", "3", "--padding", "1", *extra)
        assert next(w for w in words_of(tmp_path / "windows.svg") if "÷" in w) == first


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["10"], "say which windows: --adaptive 7"),
        (["10", "--adaptive", "7", "--whole"], "not several at once"),
        (["10", "--fractional", "7"], "say which windows"),
        (["10", "--whole", "--fractional", "7"], "--fractional needs the size of its windows"),
        (["10", "--kernel", "0"], "--kernel is '0'"),
        (["10", "--pyramid", "a"], "--pyramid is 'a'"),
        (["10", "--kernel", "11"], "window 11 does not fit"),
        (["400", "--kernel", "2"], "400 inputs are too many to draw; at most 256"),
        (["4x4x4", "--kernel", "2"], "the shape has 3 axes"),
        (["10", "--kernel", "2", "--reduce", "max"], "who gets the gradient of max"),
        (["10", "--kernel", "2", "--reduce", "best"], "reduce is 'best'"),
        (["10", "--kernel", "2", "--values", "1,2"], "--values has 2 numbers for 10 inputs"),
        (["2x2", "--kernel", "2", "--values", "1;2,3"], "--values is '1;2,3'; give rows of"),
        (["10", "--kernel", "2", "--values", "a"], "--values is 'a'; write numbers"),
        (["10", "--kernel", "2", "--dpi", "5"], "dpi is 5"),
        (["10", "--kernel", "2", "-o", "a.gif"], "a.gif ends in .gif; use .png, .svg or .pdf"),
        (["10", "--kernel", "2", "--columns", "0"], "columns is 0"),
    ],
)
def test_it_refuses_in_one_sentence_and_writes_nothing(run, tmp_path, arguments, words):
    code, out, err = run("windows", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err
    assert os.listdir(tmp_path) == []
