"""The report of a study: right numbers, every name harmless, one page that needs nothing else."""

import json
import math
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")
pytest.importorskip("jinja2", reason="jinja2 is not installed")
pytest.importorskip("scipy", reason="scipy is not installed")

import matplotlib
from PIL import Image

import study_samples as samples
from anypool import PoolError
from anypool.study import pictures, report, summary, units
from anypool.study.pictures import curves, style
from anypool.study.pictures.cost import _heights
from anypool.study.report import choice, latex, page
from anypool.study.verdict import judge

DPI = 60
TWELVE = tuple(f"pooling {i}" for i in range(12))
EVIL = ("<script>alert(1)</script>", r'a&b_$x$ \ {} "100" % #ffffff ~^')
EVIL_CLASSES = ("<script>", "é & ü", "猫", r"$\alpha$", "a\nb\x00c", "-->", "100 %")
VOID = {"meta", "br", "img", "link", "hr", "input"}


def write(folder, outcomes, *, dpi=DPI, provenance=samples.PROVENANCE, **more):
    verdict = judge(outcomes) if outcomes else samples.verdict([])
    plan = samples.plan(outcomes or [samples.outcomes(examples=8)], **more)
    return report.write(folder, plan, outcomes, verdict, provenance, dpi=dpi)


def small(*args, **more):
    return samples.outcomes(*args, **({"seeds": 6, "epochs": 3, "examples": 160} | more))


def bare(*args, **more):
    """A study that recorded nothing but which test examples were right: three pictures."""
    return replace(small(*args, **more), measures={}, curves={})


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """Two poolings, one data set: the folder, the page's text and what it was made from."""
    folder = tmp_path_factory.mktemp("usual") / "report"
    outcomes = [small()]
    files = write(folder, outcomes)
    return folder, (folder / "report.html").read_text("utf-8"), outcomes, files


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    """Names that are markup for HTML, XML, LaTeX or a shell."""
    folder = tmp_path_factory.mktemp("evil") / "report"
    crash = (EVIL[1], 0, "Traceback:\n  <b>deep</b>\nValueError: <img src=x onerror=alert(1)>")
    outcomes = [small(EVIL, data="日本 & <b>", classes=EVIL_CLASSES, seeds=7, failed=[crash])]
    write(folder, outcomes, provenance={"<i>key</i>": {"nested": "<img src=y>"}})
    return folder, (folder / "report.html").read_text("utf-8"), outcomes


# --- the page -------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """What a page holds: its tags in order, its ids, its text; and whether tags close in order."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.ids, self.text = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.mark.parametrize("study", ["usual", "evil"])
def test_the_page_is_well_formed(study, request):
    reader = Reader(request.getfixturevalue(study)[1])
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    assert len(reader.all("h1")) == len(reader.all("main")) == 1


@pytest.mark.parametrize("study", ["usual", "evil"])
def test_the_page_asks_nobody_for_anything(study, request):
    text = request.getfixturevalue(study)[1]
    reader = Reader(text)
    assert set(re.findall(r"\w+://[^\s\"<]+", text)) == {"http://www.w3.org/2000/svg"}
    assert not {"script", "img", "link", "iframe", "image", "base", "object"} & {
        tag for tag, _ in reader.tags
    }
    assert not [name for _, attrs in reader.tags for name in attrs if name.startswith("on")]
    links = [a[name] for _, a in reader.tags for name in ("href", "src", "xlink:href") if name in a]
    assert links
    assert all(link.startswith("#") and link[1:] in reader.ids for link in links)
    assert "@import" not in text
    assert all(
        place[0] == "#" and place[1:] in reader.ids for place in re.findall(r"url\((.*?)\)", text)
    )


def test_the_page_forbids_whatever_it_does_not_need(usual):
    [policy] = [m["content"] for m in Reader(usual[1]).all("meta") if "http-equiv" in m]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert "script-src" not in rules
    assert usual[1].index("Content-Security-Policy") < usual[1].index("<style")


def test_the_verdict_comes_first_and_the_sections_in_order(usual):
    _, text, outcomes, _ = usual
    verdict = judge(outcomes)
    shown = "".join(Reader(text).text)
    assert all(note in shown for note in verdict.notes)
    assert all(c.sentence in shown for c in verdict.comparisons)
    [headline] = re.findall(r"<h1[^>]*>(.*?)</h1>", text)
    assert headline == verdict.sentence
    sections = re.findall(r'<section id="(\w+)"', text)
    assert sections == ["arms", *page.SECTIONS, "comparisons", "trouble", "method", "provenance"]


def test_the_page_holds_the_numbers(usual):
    _, text, outcomes, _ = usual
    shown = "".join(Reader(text).text)
    for arm in summary.summarise(outcomes[0]):
        assert units.percent(arm.accuracy) in shown
        assert units.memory(arm.means["peak_bytes"]) in shown
    [c] = judge(outcomes).comparisons
    assert units.span(c.low, c.high) in shown
    assert units.span(c.low_here, c.high_here) in shown


def test_what_is_drawn_is_also_said(usual):
    reader = Reader(usual[1])
    drawn = reader.all("svg")
    assert len(drawn) == len(page.SECTIONS)
    assert all(svg["role"] == "img" and svg["aria-labelledby"] in reader.ids for svg in drawn)
    assert all(head.get("scope") for head in reader.all("th"))
    assert len(reader.all("table")) == len(reader.all("caption"))
    assert reader.all("html") == [{"lang": "en"}]


def test_the_pictures_take_the_colours_of_the_page(usual):
    drawn = "".join(re.findall(r"<svg.*?</svg>", usual[1], re.DOTALL))
    assert re.findall(r"(?:fill|stroke): #\w+", drawn) == []
    used = set(re.findall(r"var\(--(\w+)\)", drawn))
    assert {"ink", "paper", "soft", "line", "hue0", "hue1"} <= used
    assert all(f"--{name}:" in usual[1] for name in used)


def test_names_do_no_harm(evil):
    _, text, outcomes = evil
    lower = text.lower()
    assert "<script" not in lower
    assert "<img" not in lower
    assert "<i>key" not in lower
    shown = "".join(Reader(text).text)
    assert all(name in shown for name in EVIL)
    assert outcomes[0].data in shown
    assert "猫" in shown
    assert "ValueError: <img src=x onerror=alert(1)>" in shown
    assert "<i>key</i> › nested" in shown
    assert "#ffffff" in shown


def luminance(colour):
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(a, b):
    low, high = sorted([luminance(a), luminance(b)])
    return (high + 0.05) / (low + 0.05)


def themes():
    text = (page._HERE / "report.css").read_text("utf-8")
    light, dark, printed = (
        dict(re.findall(r"--(\w+): (#\w{6})", block))
        for block in re.findall(r":root \{(.*?)\}", text, re.DOTALL)
    )
    return {"light": light, "dark": dark, "print": printed}


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_the_colours_can_be_read(theme):
    colours = themes()[theme]
    paper = colours["paper"]
    assert all(contrast(colours[name], paper) >= 4.5 for name in ("ink", "soft", "good", "bad"))
    assert contrast(colours["soft"], colours["wash"]) >= 4.5
    hues = [name for name in colours if name.startswith("hue")]
    assert len(hues) == len(style.HUES)
    assert all(contrast(colours[hue], paper) >= 3 for hue in hues)


def test_the_light_page_and_the_files_have_the_same_colours():
    light = themes()["light"]
    assert tuple(light[f"hue{i}"] for i in range(len(style.HUES))) == style.HUES
    assert [light["ink"], light["soft"], light["paper"]] == [style.INK, style.SOFT, style.PAPER]


@pytest.mark.slow
def test_an_ordinary_study_stays_small(tmp_path):
    arms = ("avg", "max", "gem(3)", "lse(4)")
    write(tmp_path / "r", [samples.outcomes(arms, seeds=10, epochs=60, examples=300)])
    assert (tmp_path / "r/report.html").stat().st_size < 500_000


# --- the files ------------------------------------------------------------------------------------


def test_every_picture_is_there_in_both_forms_and_at_its_size(usual):
    folder, _, _, files = usual
    assert sorted(folder.iterdir()) == sorted(files)
    stems = {f.stem for f in files if f.suffix == ".svg"}
    assert stems == {f"{section}-digits" for section in page.SECTIONS}
    for stem in stems:
        width, height = map(float, svg(folder / f"{stem}.svg").get("viewBox").split()[2:])
        with Image.open(folder / f"{stem}.png") as image:
            assert abs(image.width - width * DPI / 72) <= 1
            assert abs(image.height - height * DPI / 72) <= 1
            assert image.convert("L").getextrema() != (255, 255)


def svg(path):
    root = ElementTree.parse(path).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return root


def test_svg_files_are_xml_whatever_the_names(evil):
    drawn = sorted(evil[0].glob("*.svg"))
    assert len(drawn) == len(page.SECTIONS)
    text = "".join("".join(svg(path).itertext()) for path in drawn)
    assert "<script>" in text
    assert "猫" in text


def test_the_same_study_gives_the_same_bytes(usual, tmp_path):
    folder, _, outcomes, files = usual
    again = write(tmp_path / "again", outcomes)
    assert [f.name for f in again] == [f.name for f in files]
    assert [f.name for f in again if f.read_bytes() != (folder / f.name).read_bytes()] == []


def test_matplotlib_is_left_as_it_was(tmp_path):
    with matplotlib.rc_context({"font.size": 23, "axes.facecolor": "red", "svg.fonttype": "path"}):
        before = dict(matplotlib.rcParams)
        write(tmp_path / "a", [bare()])
        assert dict(matplotlib.rcParams) == before
    write(tmp_path / "b", [bare()])
    assert (tmp_path / "a/seeds-digits.png").read_bytes() == (
        tmp_path / "b/seeds-digits.png"
    ).read_bytes()


def test_json_holds_every_number(usual):
    folder, _, outcomes, _ = usual
    document = json.loads((folder / "verdict.json").read_text("utf-8"))
    assert list(document) == ["format", "plan", "verdict", "arms", "classes", "provenance"]
    [given] = document["verdict"]["comparisons"]
    [made] = judge(outcomes).comparisons
    assert given["difference"] == made.difference
    assert given["per_seed"] == list(made.per_seed)
    assert [arm["name"] for arm in document["arms"]] == [
        arm.name for arm in summary.summarise(outcomes[0])
    ]
    assert {row["name"] for row in document["classes"]} == set(samples.CLASSES)


def test_json_has_null_where_nothing_is_known(tmp_path):
    write(tmp_path / "r", [bare(seeds=1)], provenance={"when": tmp_path, "nan": math.nan})
    text = (tmp_path / "r/verdict.json").read_text("utf-8")
    document = json.loads(text, parse_constant=pytest.fail)
    assert document["arms"][0]["sd"] is None
    assert document["provenance"] == {"when": str(tmp_path), "nan": None}


def test_latex_is_escaped(evil):
    text = (evil[0] / "table.tex").read_text("utf-8")
    assert r"a\&b\_\$x\$ \textbackslash{} \{\}" in text
    assert r"\textless{}script\textgreater{}" in text
    body = text.replace(r"\&", "").replace(r"\%", "").replace(r"\#", "").replace(r"\_", "")
    rows = [line for line in body.splitlines() if line.startswith("{}")]
    assert {row.count("&") for row in rows} == {5, 7}
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 2


@pytest.mark.slow
def test_latex_compiles(usual, evil, tmp_path):
    if not shutil.which("pdflatex"):
        pytest.skip("pdflatex is not installed")
    strange = (evil[0] / "table.tex").read_text("utf-8").replace("日本", "Jp")
    for text in ((usual[0] / "table.tex").read_text("utf-8"), strange):
        (tmp_path / "a.tex").write_text(
            "\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage{booktabs}\n"
            f"\\begin{{document}}\n{text}\n\\end{{document}}\n",
            encoding="utf-8",
        )
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:]


def test_a_folder_keeps_its_other_files(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "report.html").write_text("old")
    write(tmp_path, [bare(("avg",))])
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert (tmp_path / "report.html").read_text() != "old"


def test_whole_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "table", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError, match="division"):
        write(tmp_path / "r", [bare(("avg",))])
    assert list(tmp_path.iterdir()) == []


def test_bad_input_is_one_sentence(tmp_path):
    with pytest.raises(PoolError, match="dpi is 5000; from 50 to 600"):
        write(tmp_path / "r", [], dpi=5000)
    (tmp_path / "file").write_text("")
    with pytest.raises(PoolError, match="it is a file"):
        write(tmp_path / "file", [bare(("avg",))])


# --- studies of every size ------------------------------------------------------------------------


@pytest.mark.slow
def test_twelve_poolings(tmp_path):
    write(tmp_path / "r", [small(TWELVE, seeds=7)])
    reader = Reader((tmp_path / "r/report.html").read_text("utf-8"))
    assert len(reader.all("svg")) == len(page.SECTIONS)
    assert all(name in "".join(reader.text) for name in TWELVE)


def test_several_data_sets_have_a_picture_each(tmp_path):
    sets = [bare(data=d, generator=i) for i, d in enumerate(["A b", "a-b", "folder:/x/y"])]
    files = {f.name for f in write(tmp_path / "r", sets)}
    assert {"seeds-a-b.svg", "seeds-a-b-2.svg", "seeds-folder-x-y.svg"} <= files
    assert "forest-these-data-sets.png" in files
    text = (tmp_path / "r/report.html").read_text("utf-8")
    assert len(set(Reader(text).ids)) == len(Reader(text).ids)


def test_crashed_and_diverged_trials_are_named(tmp_path):
    crash = ("max", 2, "Traceback (most recent call last):\nMemoryError: out of memory")
    outcome = small(diverged=[("avg", 3)], failed=[crash])
    write(tmp_path / "r", [replace(outcome, curves={})])
    shown = "".join(Reader((tmp_path / "r/report.html").read_text("utf-8")).text)
    assert "MemoryError: out of memory" in shown
    assert "1 diverged" in shown
    assert re.search(r"5\s+of\s+6", shown)
    assert "None: no trial crashed" not in shown


def test_one_seed_and_one_epoch(tmp_path):
    write(tmp_path / "r", [small(seeds=1, epochs=1)])
    shown = "".join(Reader((tmp_path / "r/report.html").read_text("utf-8")).text)
    assert "too few seeds" in shown
    assert not re.search(r"\bnan\b", shown)
    assert "−100.00" not in shown


def test_outcomes_without_curves_or_measures(tmp_path):
    files = {f.stem.partition("-")[0] for f in write(tmp_path / "r", [bare()])}
    assert files == {"report", "table", "verdict", "forest", "seeds", "classes"}


def test_nothing_finished(tmp_path):
    outcome = replace(bare(), correct={"avg": {}, "max": {}})
    files = {f.name for f in write(tmp_path / "r", [outcome])}
    assert files == {"report.html", "table.tex", "verdict.json"}
    files = {f.name for f in write(tmp_path / "none", [])}
    assert files == {"report.html", "table.tex", "verdict.json"}


# --- the numbers ----------------------------------------------------------------------------------


def test_a_summary_is_the_mean_over_the_seeds():
    outcome = small(("avg", "max", "gem"), failed=[("max", 1, "broken")])
    arms = {arm.name: arm for arm in summary.summarise(outcome)}
    values = [c.mean() for c in outcome.correct["max"].values()]
    assert arms["max"].accuracy == pytest.approx(np.mean(values), abs=1e-12)
    assert arms["max"].sd == pytest.approx(np.std(values, ddof=1), abs=1e-12)
    assert arms["max"].seeds == (0, 2, 3, 4, 5)
    assert arms["max"].planned == 6
    ranked = [arm.accuracy for arm in summary.summarise(outcome)]
    assert ranked == sorted(ranked, reverse=True)


def test_class_gaps_add_up_to_the_whole_difference():
    outcome = small()
    gaps = summary.class_gaps(outcome, "avg", "max")
    [whole] = judge([outcome]).comparisons
    examples = [gap.examples for gap in gaps]
    assert sum(examples) == len(outcome.labels)
    mean = np.average([gap.difference for gap in gaps], weights=examples)
    assert mean == pytest.approx(whole.difference, abs=1e-12)
    assert all(gap.low <= gap.difference <= gap.high for gap in gaps)


def test_a_class_gap_of_one_seed_has_no_interval():
    gaps = summary.class_gaps(small(seeds=1), "avg", "max")
    assert all(math.isnan(gap.low) and math.isfinite(gap.difference) for gap in gaps)


def test_nobody_beats_an_arm_of_the_front():
    rng = np.random.default_rng(3)
    made = [
        summary.Arm("d", str(i), float(a), 0.0, (0,), 1, (), {}, {"cpu_seconds": float(c)})
        for i, (a, c) in enumerate(rng.integers(1, 9, (40, 2)))
    ]
    best = pictures.front(made, "cpu_seconds")

    def beaten(arm):
        cheap = arm.means["cpu_seconds"]
        return any(
            o.accuracy >= arm.accuracy
            and o.means["cpu_seconds"] <= cheap
            and (o.accuracy, o.means["cpu_seconds"]) != (arm.accuracy, cheap)
            for o in made
        )

    unbeaten = {(a.accuracy, a.means["cpu_seconds"]) for a in made if not beaten(a)}
    assert {(a.accuracy, a.means["cpu_seconds"]) for a in best} == unbeaten


def test_the_mean_curve_is_over_the_finite_values():
    rows = {
        0: [{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": math.nan}],
        1: [{"epoch": 1, "loss": 3.0}, {"epoch": 2, "loss": 5.0}, {"epoch": 3, "loss": None}],
    }
    outcome = replace(small(), curves={"avg": rows})
    runs = curves.recorded(outcome, "avg", "loss")
    np.testing.assert_array_equal(runs.mean, [2.0, 5.0, math.nan])
    np.testing.assert_allclose(runs.band[0][:2], [1.0, 5.0])
    np.testing.assert_allclose(runs.band[1][:2], [3.0, 5.0])
    assert curves.recorded(outcome, "max", "loss") is None


def test_a_loss_that_explodes_does_not_flatten_the_others():
    outcome = small(epochs=4)
    outcome.curves["max"][2][3]["loss"] = 1e9
    figure = pictures.loss_curves(outcome, pictures.looks(outcome.arms))
    assert figure.axes[0].get_ylim()[1] < 20


def test_one_bad_seed_does_not_hide_the_others_and_is_marked():
    outcome = samples.outcomes(examples=400, diverged=[("max", 3)])
    arms = summary.summarise(outcome)
    figure = pictures.slopes(outcome, arms, pictures.looks(outcome.arms))
    low, high = figure.axes[0].get_ylim()
    assert high - low < 0.2
    told = "".join(text.get_text() for text in figure.axes[0].texts)
    assert units.percent(summary.accuracies(outcome, "max")[3], 1) in told


def test_every_mean_is_in_the_picture_of_costs():
    outcome = samples.outcomes(TWELVE, examples=300, diverged=[("pooling 4", s) for s in range(10)])
    arms = summary.summarise(outcome)
    low, high = _heights(arms)
    assert all(low < arm.accuracy < high for arm in arms)
    assert high <= 1.01


def test_the_forest_shows_every_interval_whole():
    verdict = judge([small(("avg", "max", "gem"))])
    figure = pictures.forest(verdict.comparisons, verdict.margin)
    low, high = figure.axes[0].get_xlim()
    assert all(low < c.low and c.high < high for c in verdict.comparisons)
    words = {text.get_text().split("  ")[-1] for text in figure.axes[0].texts}
    assert words == {c.word for c in verdict.comparisons}


def test_of_many_classes_those_that_differ_most_are_drawn():
    names = [f"class {i}" for i in range(80)]
    outcome = small(classes=names, examples=2000)
    gaps = {"max": summary.class_gaps(outcome, "max", "avg")}
    figure = pictures.class_differences(gaps, "avg", 0.003, pictures.looks(outcome.arms))
    drawn = {label.get_text() for label in figure.axes[0].get_yticklabels()}
    assert len(drawn) == 30
    sizes = {gap.name: abs(gap.difference) for gap in gaps["max"]}
    assert min(sizes[n] for n in drawn) >= max(sizes[n] for n in names if n not in drawn)


def test_no_two_of_many_arms_look_alike():
    made = pictures.looks([str(i) for i in range(48)])
    assert len({(look.hue, look.mark) for look in made.values()}) == 48
    assert len({look.mark for look in list(made.values())[:12]}) == 12


@pytest.mark.parametrize(
    ("values", "inside"),
    [
        ([0.9, 0.91, 0.92, 0.1], [0.9, 0.91, 0.92]),
        ([0.5], [0.5]),
        ([0.1, 0.9], [0.1, 0.9]),
        ([0.7, math.nan, 0.7, 0.7, 0.9], [0.7, 0.7, 0.7]),
    ],
)
def test_a_frame_holds_the_bulk(values, inside):
    low, high = style.frame(values)
    assert [value for value in values if low < value < high] == inside


def test_no_arm_is_left_out_of_the_frame_as_a_whole():
    low, high = style.frames([[0.95, 0.951, 0.949], [0.96, 0.1, 0.961], [0.6, 0.61, 0.62]])
    assert low == pytest.approx(0.598)
    assert 0.961 < high < 0.97


@pytest.mark.parametrize(
    ("say", "given", "meant"),
    [
        (units.percent, [0.93251], "93.25 %"),
        (units.percent, [math.nan], "–"),
        (units.percent, [None], "–"),
        (units.points, [0.0171], "+1.71"),
        (units.points, [-0.0171], "−1.71"),
        (units.points, [-0.000001], "0.00"),
        (units.span, [-0.001, 0.02], "−0.10 to +2.00"),
        (units.span, [-1, 1], "–"),
        (units.span, [math.nan, 1], "–"),
        (units.chance, [0.0004], "< 0.001"),
        (units.chance, [0.0312], "0.031"),
        (units.seconds, [3.456], "3.46 s"),
        (units.seconds, [99.97], "100 s"),
        (units.seconds, [284], "4.7 min"),
        (units.seconds, [7200], "2.0 h"),
        (units.memory, [5.5e6], "5.5 MB"),
        (units.memory, [2.5e9], "2.50 GB"),
        (units.count, [139658], "139\N{NARROW NO-BREAK SPACE}658"),
        (choice.slug, ["folder:/A b/é"], "folder-a-b"),
        (latex.escaped, ["a\nb\x00_c"], r"a b\_c"),
        (style.short, ["x" * 60], "x" * 13 + "…" + "x" * 14),
        (style.short, ["a\x00\n b"], "a b"),
        (page.last_line, ["Traceback\n  x\nError: why\n\n"], "Error: why"),
        (page.last_line, ["  "], "no reason recorded"),
    ],
)
def test_words(say, given, meant):
    assert say(*given) == meant


def test_ticks_of_an_axis_have_equal_places():
    assert style.Shares().format_ticks([0.9, 0.905, 0.91]) == ["90.0", "90.5", "91.0"]
    assert style.Shares("+").format_ticks([-0.01, 0.0, 0.01]) == ["−1", "0", "+1"]
