"""`anypool study ...` as a user types it: sentences, exit codes, files."""

import importlib
import json
import sys

import numpy as np
import pytest

for package in ("torch", "scipy", "sqlalchemy", "sklearn", "pooch", "jinja2", "matplotlib"):
    pytest.importorskip(package, reason=f"the study extra is not installed: {package}")
from PIL import Image  # noqa: E402

from anypool.cli import main  # noqa: E402
from study_toys import shapes  # noqa: E402


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def typed(place):
    """The options of every run: a file of arrays, little to learn, one place to keep it."""
    data = shapes()
    np.savez(place / "shapes.npz", x_train=data.train_images, y_train=data.train_labels,
             x_test=data.test_images, y_test=data.test_labels)  # fmt: skip
    told = {"--data": f"npz:{place / 'shapes.npz'}", "--network": "plain", "--workers": "1",
            "--store": str(place / "s.db")}  # fmt: skip
    words = [word for pair in told.items() for word in pair]
    return [*words, "--set", "epochs=1", "--set", "batch=40", "--set", "share=0.2"]


@pytest.fixture(scope="module")
def ran(typed, place):
    """A study of two arms and two seeds, run once for this file."""
    assert main(["study", "run", *typed, "--seeds", "2", "--quiet"]) == 0
    return ["--store", str(place / "s.db")]


def said(capsys, *words):
    code = main(["study", *words])
    return code, capsys.readouterr()


def test_the_verdict_is_the_first_line(typed, ran, capsys):
    code, out = said(capsys, "run", *typed, "--seeds", "2")
    assert code == 0
    assert "seeds" in out.out.splitlines()[0]
    assert "every arm has 18" in out.err


def test_events_are_json_a_line(typed, ran, capsys):
    code, out = said(capsys, "run", *typed, "--seeds", "2", "--json")
    events = [json.loads(line) for line in out.out.splitlines()]
    assert code == 0
    assert [event["event"] for event in events] == ["begin", "end", "verdict"]
    assert events[-1]["comparisons"][0]["a"] in ("avg", "max")


def test_status_list_and_compare(ran, capsys):
    assert said(capsys, "status", *ran)[1].out.strip().endswith("4 done")
    assert said(capsys, "list", *ran)[1].out == "study: 4 trials done, 0 failed, 0 to run\n"
    assert "avg" in said(capsys, "compare", "avg", "max", *ran)[1].out
    pairs = json.loads(said(capsys, "compare", "avg", "max", "--json", *ran)[1].out)
    assert pairs[0]["seeds"] == [0, 1]


def test_report_and_export(ran, place, capsys):
    code, out = said(capsys, "report", "--out", str(place / "report"), "--dpi", "60", *ran)
    assert code == 0
    assert f"wrote {place / 'report' / 'report.html'}" in out.out
    code, out = said(capsys, "export", str(place / "all.json"), *ran)
    assert code == 0
    assert (place / "all.json").exists()


def test_a_photograph_is_classified(ran, place, capsys):
    Image.fromarray(shapes().test_images[0][0]).save(place / "one.png")
    code, out = said(capsys, "predict", str(place / "one.png"), "--arm", "max", *ran)
    assert code == 0
    assert out.out.startswith(f"{place / 'one.png'}: ")
    assert out.out.rstrip().endswith("%)")


OWN = """
from torch import nn


def make(pool, channels, classes):
    return nn.Sequential(nn.Conv2d(channels, classes, {size}), pool(classes, (8, 8)))
"""


def test_a_network_of_ones_own_lies_in_the_folder(typed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = [*typed, "--seeds", "1", "--json", "--network", "own_net:make", "--store", "own.db"]

    def finished(size):
        (tmp_path / "own_net.py").write_text(OWN.format(size=size))
        monkeypatch.delitem(sys.modules, "own_net", raising=False)
        monkeypatch.setattr(sys, "path", [*sys.path])
        importlib.invalidate_caches()
        code, out = said(capsys, "run", *words)
        assert code == 0
        return [json.loads(line)["event"] for line in out.out.splitlines()].count("done")

    assert finished(5) == 2
    assert finished(5) == 0
    assert finished(3) == 2  # a changed network is another one


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "--data", "digitz"], "there are digits"),
        (["run", "--arms", "avg,mx"], "no head is called 'mx'; did you mean max"),
        (["run", "--network", "smal"], "no network is called 'smal'"),
        (["run", "--recipe", "fsat"], "did you mean fast"),
        (["run", "--set", "epochs"], "write it as name=value"),
        (["run", "--set", "epoch=3"], "did you mean epochs"),
        (["run", "--place", "tail"], "stands at head or inner"),
        (["run", "--seeds", "0"], "give a number of seeds from 1"),
        (["run", "--on", "slurm"], "it may be ray"),
        (["run", "--workers", "0"], "at least 1 is needed"),
        (["status", "--store", "/nowhere/s.db"], "/nowhere"),
        (["predict", "missing.png"], "missing.png"),
    ],
)
def test_mistakes_get_one_sentence(words, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, out = said(capsys, *words)
    assert code == 2
    assert sentence in out.err
    assert out.err.count("\n") == out.err.strip().count("\n") + 1
    assert "Traceback" not in out.err
    assert not list(tmp_path.glob("*.db"))


def test_an_unknown_study_names_those_there_are(ran, capsys):
    code, out = said(capsys, "status", "--name", "stdy", *ran)
    assert code == 2
    assert "study" in out.err
