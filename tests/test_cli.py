"""The command line: what it prints, and one sentence with exit code 2 for whatever is wrong."""

import os
import subprocess
import sys
from importlib.metadata import version

import pytest

from anypool import doctor
from anypool.cli import main
from anypool.see.rules import three_cuts


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command in this process; give its exit code, its output and its complaint."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")

    def call(*arguments):
        code = main([str(word) for word in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def refuse(run):
    """Run a command that must fail: nothing on stdout, one sentence on stderr, exit code 2."""

    def call(*arguments):
        code, out, err = run(*arguments)
        lines = [line for line in err.splitlines() if not line.startswith("  ")]  # progress aside
        assert (code, out, len(lines)) == (2, "", 1)
        assert lines[0].startswith("anypool: ")
        return lines[0]

    return call


@pytest.fixture
def photo(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    image.effect_noise((24, 18), 60).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


# --- the whole ------------------------------------------------------------------------------------


def test_version(run):
    assert run("--version") == (0, f"anypool {version('anypool')}\n", "")


def test_alone_it_shows_its_help(run):
    assert run() == run("--help")
    assert "explain" in run()[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["paint"], "No such command 'paint'"),
        (["explain"], "Missing argument 'SIZE'"),
        (["explain", "10", "--adaptve", "7"], "No such option: --adaptve"),
        (["image"], "Missing argument"),
        (["image", "a.png", "--dpi", "fine"], "--dpi"),
    ],
)
def test_a_wrong_command_is_one_sentence(refuse, arguments, words):
    assert words in refuse(*arguments)


@pytest.mark.parametrize("how", [["-m", "anypool"], ["-c", "from anypool.cli import main; main()"]])
def test_it_starts_as_a_program(how):
    command = [sys.executable, "-W", "error", *how, "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.startswith("anypool ")


def test_the_program_gives_the_exit_code_and_no_traceback():
    command = [sys.executable, "-m", "anypool", "explain", "zero", "--kernel", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("anypool: SIZE is 'zero'")


def test_a_terminal_without_unicode_is_served():
    done = subprocess.run(
        [sys.executable, "-m", "anypool", "explain", "10", "--adaptive", "7"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert b"10 inputs, 7 outputs" in done.stdout


# --- explain --------------------------------------------------------------------------------------


def columns(text, start):
    """The cells of the row that begins with the word `start`."""
    row = next(line for line in text.splitlines() if line.split()[:1] == [start])
    return row.split()[1:]


def test_explain_shows_three_rules_side_by_side(run):
    code, out, err = run("explain", "10", "--adaptive", "7")
    assert (code, err) == (0, "")
    assert "k 4, stride 1" in out
    assert columns(out, "2") == ["2–4", "··■■■·····", "2–5", "··■■■■····", "4–5", "····■■····"]
    assert columns(out, "length") == ["2–3", "4", "1–2"]
    assert columns(out, "shared") == ["6", "8", "0"]


def test_explain_treats_each_axis(run):
    _, out, _ = run("explain", "20x9", "--adaptive", "6x3")
    assert "axis 0: 20 inputs, 6 outputs" in out
    assert "axis 1: 9 inputs, 3 outputs" in out
    assert run("explain", "9x9", "--adaptive", "3")[1].count("9 inputs, 3 outputs") == 2


def test_explain_sliding(run):
    code, out, err = run("explain", "10", "--kernel", "3", "--stride", "2", "--padding", "1")
    assert (code, err) == (0, "")
    assert out.strip()


@pytest.mark.parametrize("extra", [["--padding", "same"], ["--dilation", "2"], ["--ceil"], []])
def test_explain_takes_every_kind_of_sliding(run, extra):
    assert run("explain", "10x12", "--kernel", "3x2", "--stride", "2", *extra)[0] == 0


def test_explain_says_which_kernel_and_why(run):
    plain, told = (run("explain", "64x64", "--kernel", "2", *e) for e in ([], ["--why"]))
    assert told[0] == 0
    assert len(told[1]) > len(plain[1])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["10"], "say which windows"),
        (["10", "--adaptive", "7", "--kernel", "3"], "say which windows"),
        (["ten", "--kernel", "3"], "SIZE is 'ten'; write a number such as 3"),
        (["0", "--kernel", "3"], "SIZE is '0'; it must lie between 1 and 100000"),
        (["10", "--kernel", "0"], "--kernel is '0'; it must lie between 1 and 100000"),
        (["10", "--kernel", "3", "--stride", "0"], "--stride is '0'"),
        (["10", "--kernel", "3", "--stride", "x"], "--stride is 'x'"),
        (["10", "--kernel", "3", "--padding", "wide"], "wide"),
        (["10", "--kernel", "3x3"], "2 numbers"),
        (["10", "--adaptive", "3x3"], "2 numbers"),
        (["10", "--kernel", "11"], "window 11 does not fit"),
        (["10", "--adaptive", "-1"], "--adaptive"),
        (["1000000000", "--adaptive", "1000000000"], "it must lie between 1 and 100000"),
        (["1000000000", "--kernel", "1"], "it must lie between 1 and 100000"),
    ],
)
def test_explain_refuses_in_one_sentence(refuse, arguments, words):
    assert words in refuse("explain", *arguments)


@pytest.mark.parametrize(("n", "m"), [(10, 7), (12, 4), (5, 5), (3, 7), (1, 1), (100, 7)])
def test_the_three_cuts(n, m):
    true, copied, split = three_cuts(n, m)
    assert [(r.start, r.stop) for r in true.reads] == [
        (i * n // m, -(-(i + 1) * n // m)) for i in range(m)
    ]
    assert split.shared == split.unread == true.unread == 0
    assert sum(len(r) for r in split.reads) == n
    if n % m == 0:
        assert true.reads == copied.reads == split.reads
    elif n > m:
        assert true.reads != copied.reads
    else:
        assert (copied.reads, copied.note) == ((), f"k {n}, stride 0: fails")


# --- doctor ---------------------------------------------------------------------------------------


def test_doctor_prints_what_the_library_finds(run):
    code, out, err = run("doctor")
    assert (code, err) == (0, "")
    for section, facts in doctor.report().items():
        assert section in out
        assert all(name in out for name in facts)


def test_doctor_says_that_numba_is_missing(monkeypatch):
    monkeypatch.setattr(doctor, "why_not", lambda: "numba is not installed")
    assert doctor.kernels()["compiled"].startswith("no: numba is not installed; plain NumPy")


def test_doctor_lives_with_wrong_settings(run, monkeypatch):
    monkeypatch.setenv("ANYPOOL_NUM_THREADS", "many")
    code, out, _ = run("doctor")
    assert code == 0
    assert "ANYPOOL_NUM_THREADS is 'many'" in out


# --- image ----------------------------------------------------------------------------------------


def test_image_writes_and_says_where(run, photo, tmp_path):
    out_dir = tmp_path / "out"
    code, out, err = run("image", photo, "--out", out_dir, "--dpi", "40", "--kernel", "2x3")
    assert code == 0
    assert out.splitlines() == [f"wrote {out_dir / n}" for n in ("photo.png", "index.html")]
    assert f"reading {photo}" in err
    page = (out_dir / "index.html").read_text(encoding="utf-8")
    assert "max_pool(x, (2, 3), axes=(0, 1))" in page


def test_image_draws_what_is_asked(run, photo, tmp_path):
    pools = ["--pool", "median", "--pool", "global-max"]
    run("image", photo, *pools, "--stride", "1", "--dpi", "40", "--out", tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "median_pool(x, 2, 1, axes=(0, 1))" in page
    assert "global_max_pool(x, axes=(0, 1))" in page
    assert "gem_pool" not in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pool", "best"], "no pooling is called 'best'"),
        (["--kernel", "0"], "--kernel is '0'"),
        (["--kernel", "2x2x2"], "3 numbers for 2 pooled axes"),
        (["--kernel", "500"], "window 500 does not fit axis 0"),
        (["--adaptive", "none"], "--adaptive is 'none'"),
        (["--dpi", "5"], "dpi is 5; it must lie between 20 and 1200"),
        (["nowhere.jpg"], "there is no file nowhere.jpg"),
    ],
)
def test_image_refuses_in_one_sentence(refuse, photo, tmp_path, arguments, words):
    assert words in refuse("image", photo, "--out", tmp_path / "out", *arguments)
    assert os.listdir(tmp_path) == ["photo.png"]


def test_image_refuses_bad_files_and_folders(refuse, photo, tmp_path):
    text, cut = tmp_path / "notes.txt", tmp_path / "cut.png"
    text.write_text("words")
    cut.write_bytes(photo.read_bytes()[:90])
    before = sorted(os.listdir(tmp_path))
    for bad in (text, cut, tmp_path):
        refuse("image", photo, bad, "--out", tmp_path / "out")
    assert "cannot write to" in refuse("image", photo, "--out", text)
    assert sorted(os.listdir(tmp_path)) == before
