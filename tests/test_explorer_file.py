"""The explorer's file: joined from modules by rules, closed to the world, whole or not written."""

import base64
import hashlib
import html
import io
import json
import re
from html.parser import HTMLParser
from importlib.util import find_spec

import numpy as np
import pytest

from anypool import PoolError
from anypool.cli import main
from anypool.see.explorer import Explorer, assemble, explorer
from anypool.see.explorer.photograph import photograph

RNG = np.random.default_rng(11)
MODULES = sorted(path.name for path in assemble.HERE.glob("*.js"))
LIMIT = 300_000
needs_pillow = pytest.mark.skipif(find_spec("PIL") is None, reason="pillow is not installed")


class Reader(HTMLParser):
    """The tags of a page, and the text inside each script and style."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.inside = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.texts.append([tag, dict(attrs), ""])
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.texts[-1][2] += data


def text_of(page, tag, **attributes):
    return next(
        text
        for name, attrs, text in Reader(page).texts
        if name == tag and attributes.items() <= attrs.items()
    )


def given(page):
    return json.loads(text_of(page, "script", id="given"))


def pixels(page):
    """The photograph inside a page, decoded by Pillow; and the raw file."""
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    head, data = given(page)["photo"]["data"].split(",")
    assert head == "data:image/png;base64"
    raw = base64.b64decode(data)
    return np.asarray(image.open(io.BytesIO(raw))), raw


@pytest.fixture(scope="module")
def plain():
    return explorer()


# --- the rules of joining -------------------------------------------------------------------------


def top_level(source):
    """The names that a module declares at its top."""
    found = re.findall(
        r"^(?:export )?(?:async )?(?:const|let|var|function|class)\s+(\w+|\[[^\]]*\]|\{[^}]*\})",
        source,
        re.MULTILINE,
    )
    return [name for group in found for name in re.findall(r"\w+", group)]


ONE_LINE = r'import \{ \w+(?:, \w+)* \} from "\./(\w+\.js)";'


def broken_rules(sources):
    """What in these modules would go wrong when they are joined."""
    wrong, owners = [], {}
    for name, source in sources.items():
        code = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
        for line in re.findall(r"^.*\bimport\b.*$", code, re.MULTILINE):
            found = re.fullmatch(ONE_LINE, line)
            if not line.startswith("//") and (not found or found[1] not in sources):
                wrong.append(f"{name}: {line}")
        wrong += [
            f"{name}: {line}"
            for line in re.findall(r"^export .*$", code, re.MULTILINE)
            if not re.match(r"export (const|let|function|async function|class) ", line)
        ]
        wrong += [
            f"{declared} in {owners[declared]} and {name}"
            for declared in top_level(code)
            if owners.setdefault(declared, name) != name
        ]
        if "</script" in source or "<!--" in source:
            wrong.append(f"{name}: would end the script")
    return wrong


def test_the_modules_keep_the_rules_of_joining():
    sources = {name: (assemble.HERE / name).read_text("utf-8") for name in MODULES}
    assert broken_rules(sources) == []


@pytest.mark.parametrize(
    "line",
    [
        'import { a } from "./lost.js";',
        'import { top } from "https://example.org/x.js";',
        'import {\n  top,\n} from "./one.js";',
        'import { top as other } from "./one.js";',
        'const late = await import("./one.js");',
        "export default 3;",
        "export { top };",
        "function top() {}",
        "const [other, top] = [1, 2];",
        'const end = "</script>";',
    ],
)
def test_a_broken_rule_is_noticed(line):
    assert broken_rules({"one.js": "export const top = 1;\n", "two.js": f"{line}\n"})


def test_every_module_is_small_used_and_comes_after_what_it_needs():
    order = assemble.order(assemble.ENTRY)
    assert sorted(order) == MODULES
    assert all(
        order.index(need) < order.index(name) for name in order for need in assemble.needs(name)
    )
    lines = {name: len((assemble.HERE / name).read_text("utf-8").splitlines()) for name in MODULES}
    assert max(lines.values()) < 300, lines


def test_modules_in_a_circle_are_refused(monkeypatch):
    ring = {"a.js": ["b.js"], "b.js": ["a.js"]}
    monkeypatch.setattr(assemble, "needs", lambda name: ring[name])
    with pytest.raises(PoolError, match="import each other"):
        assemble.order("a.js")


def test_the_joined_script_imports_and_exports_nothing():
    code = re.sub(r"/\*.*?\*/", "", assemble.joined(), flags=re.DOTALL)
    assert not re.search(r"^(import|export)\b", code, re.MULTILINE)


# --- the file -------------------------------------------------------------------------------------


def test_the_file_is_light(plain):
    assert len(plain.html.encode()) < LIMIT


def test_the_policy_allows_this_script_and_this_style_alone(plain):
    policy = next(
        attrs["content"]
        for tag, attrs in Reader(plain.html).tags
        if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    for tag, attributes in (("script", {"type": "module"}), ("style", {})):
        digest = hashlib.sha256(text_of(plain.html, tag, **attributes).encode()).digest()
        assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "img-src data: blob:; base-uri 'none'; form-action 'none'" in policy
    assert "unsafe" not in policy


def test_nothing_in_the_file_points_elsewhere(plain):
    tags = Reader(plain.html).tags
    links = [
        value
        for _, attrs in tags
        for name, value in attrs.items()
        if name in ("src", "href", "srcset")
    ]
    assert links == []
    assert not [attrs for _, attrs in tags if "style" in attrs]
    assert not [name for _, attrs in tags for name in attrs if name.startswith("on")]
    assert set(re.findall(r"https?://[^\s\"']+", plain.html)) <= {"http://www.w3.org/2000/svg"}


def test_what_python_hands_over_cannot_end_the_script():
    page = explorer(state="#</script><script>alert(1)</script>").html
    assert given(page)["state"] == "#</script><script>alert(1)</script>"
    assert len([tag for tag, *_ in Reader(page).texts if tag == "script"]) == 2


# --- photographs ----------------------------------------------------------------------------------

GREY = RNG.integers(0, 256, (40, 30), dtype=np.uint8)
RGB = RNG.integers(0, 256, (40, 30, 3), dtype=np.uint8)


@needs_pillow
@pytest.mark.parametrize("photo", [GREY, RGB], ids=["grey", "rgb"])
def test_the_pixels_inside_are_those_of_the_array(photo):
    page = explorer(photo)
    inside, raw = pixels(page.html)
    np.testing.assert_array_equal(inside, photo)
    assert not any(kind in raw for kind in (b"iCCP", b"gAMA", b"sRGB", b"cHRM"))
    assert page.notes == ()
    assert given(page.html)["state"] == "#image=photo"


@needs_pillow
def test_floats_between_0_and_1_become_the_nearest_of_256_levels():
    inside, _ = pixels(explorer(GREY / 255).html)
    np.testing.assert_array_equal(inside, GREY)
    inside, _ = pixels(explorer(np.float32([[0, 0.001, 0.5, 1]])).html)
    np.testing.assert_array_equal(inside, [[0, 0, 128, 255]])


@needs_pillow
def test_transparency_is_laid_on_white():
    alpha = np.full((40, 30, 1), 51, np.uint8)
    inside, _ = pixels(explorer(np.concatenate([RGB, alpha], axis=2)).html)
    np.testing.assert_array_equal(inside, np.rint(RGB * 0.2 + 255 * 0.8))


def test_a_file_is_read(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    image.fromarray(RGB).save(tmp_path / "cup.png")
    page = explorer(tmp_path / "cup.png")
    np.testing.assert_array_equal(pixels(page.html)[0], RGB)
    assert given(page.html)["photo"]["name"] == "cup.png"


@needs_pillow
def test_a_large_photograph_is_made_smaller_and_says_so():
    page = explorer(np.full((300, 1000), 77, np.uint8))
    inside, _ = pixels(page.html)
    assert inside.shape == (77, 256)
    assert set(inside.ravel()) == {77}
    assert page.notes == (
        "The photograph has 300 × 1000 pixels (rows × columns); it was made smaller, to 77 × 256.",
    )
    assert given(page.html)["photo"]["note"] == page.notes[0]


@needs_pillow
def test_what_was_read_smaller_is_told_with_its_own_size(tmp_path, monkeypatch):
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    monkeypatch.setattr("anypool.see.pixels.MOST", 300 * 300)
    image.fromarray(np.zeros((1200, 900), np.uint8)).save(tmp_path / "large.png")
    assert explorer(tmp_path / "large.png").notes == (
        "large.png is read at 1/4 of its 1200 × 900 pixels. It was made smaller, to 256 × 192.",
    )


@needs_pillow
def test_floating_point_pixels_are_shown_from_black_to_white(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    image.fromarray(np.float32([[-1, 0], [2, 3]])).save(tmp_path / "depth.tif")
    page = explorer(tmp_path / "depth.tif")
    np.testing.assert_array_equal(pixels(page.html)[0], [[0, 64], [191, 255]])
    assert page.notes == ("depth.tif: −1 is drawn black and 3 white.",)
    image.fromarray(np.float32([[np.nan, 0]])).save(tmp_path / "hole.tif")
    with pytest.raises(PoolError, match=r"hole.tif holds nan or infinity"):
        explorer(tmp_path / "hole.tif")


@needs_pillow
def test_the_first_of_several_pages_is_shown_and_a_volume_is_refused(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    first, other = (image.fromarray(np.full((3, 4), n, np.uint8)) for n in (7, 8))
    first.save(tmp_path / "scan.tif", save_all=True, append_images=[other])
    page = explorer(tmp_path / "scan.tif")
    assert set(pixels(page.html)[0].ravel()) == {7}
    assert page.notes == ("scan.tif has 2 pages and the first is shown.",)
    np.save(tmp_path / "scan.npy", np.zeros((5, 6, 7)))
    with pytest.raises(PoolError, match=r"scan.npy is a volume"):
        explorer(tmp_path / "scan.npy")


@needs_pillow
def test_made_smaller_is_the_mean_over_adaptive_windows():
    import anypool as ap

    large = RNG.integers(0, 256, (300, 512), dtype=np.uint8)
    inside = photograph(large).pixels
    assert np.abs(inside - ap.adaptive_avg_pool(large, (150, 256))).max() <= 0.5


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        (np.zeros((4, 4, 2), np.uint8), r"has shape \(4, 4, 2\); give \(rows, columns\)"),
        (np.zeros(4), r"has shape \(4,\)"),
        (np.zeros((0, 4)), "it has no pixels"),
        (np.zeros((4, 4), np.int64), "holds int64; give uint8, or floats between 0 and 1"),
        (np.full((4, 4), 1.5), r"holds 1.5 to 1.5; floats must lie between 0 and 1"),
        (np.full((4, 4), np.nan), "floats must lie between 0 and 1"),
        (np.array([["a"]]), "holds <U1"),
        pytest.param("nowhere.png", "there is no file nowhere.png", marks=needs_pillow),
    ],
)
def test_what_is_not_a_photograph_gets_a_sentence(photo, words):
    with pytest.raises(PoolError, match=words):
        explorer(photo)


# --- how it opens ---------------------------------------------------------------------------------


@needs_pillow
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ""),
        ({"state": "#image=ramp"}, "#image=ramp"),
        ({"state": "a=min"}, "#a=min"),
        ({"photo": GREY}, "#image=photo"),
        ({"photo": GREY, "state": "#a=min"}, "#image=photo&a=min"),
        ({"photo": GREY, "state": "#image=ramp&a=min"}, "#image=ramp&a=min"),
        ({"numbers": [[1, -2.5]]}, "#image=numbers&numbers=1,-2.5"),
        ({"numbers": [[np.nan], [np.inf], [-np.inf]]}, "#image=numbers&numbers=nan;inf;-inf"),
        ({"numbers": [[1e300, 0.1 + 0.2]]}, "#image=numbers&numbers=1e+300,0.30000000000000004"),
        (
            {"numbers": [[1]], "state": "#image=numbers&numbers=7&a=min"},
            "#numbers=1&image=numbers&a=min",
        ),
    ],
)
def test_the_page_opens_on_what_was_given(arguments, expected):
    assert given(explorer(**arguments).html)["state"] == expected


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"numbers": [1, 2]}, r"numbers has shape \(2,\); give rows and columns"),
        ({"numbers": [[1, 2], [3]]}, "rows of as many numbers each"),
        ({"numbers": [["a"]]}, "rows of as many numbers each"),
        ({"numbers": np.zeros((65, 2))}, "from 1 to 64 of each"),
        ({"numbers": [[]]}, "from 1 to 64 of each"),
        ({"numbers": [[1]], "photo": GREY}, "a photograph or numbers, one of the two"),
    ],
)
def test_numbers_that_make_no_grid_get_a_sentence(arguments, words):
    with pytest.raises(PoolError, match=words):
        explorer(**arguments)


# --- saving and showing ---------------------------------------------------------------------------


def test_save_writes_the_text_and_gives_the_path(tmp_path, plain):
    target = tmp_path / "new" / "page.html"
    assert plain.save(target) == target
    assert target.read_text("utf-8") == plain.html
    assert [path.name for path in target.parent.iterdir()] == ["page.html"]


def test_out_saves_as_well(tmp_path):
    assert explorer(out=tmp_path / "page.html").html == (tmp_path / "page.html").read_text("utf-8")


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path, plain, monkeypatch):
    (tmp_path / "page.html").write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(PoolError, match=r"cannot write .*page\.html: no space left on device"):
        plain.save(tmp_path / "page.html")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("target", ["", "page.html/inner.html", "nul\0.html"])
def test_bad_targets_get_a_sentence(tmp_path, plain, target):
    (tmp_path / "page.html").write_text("a file")
    with pytest.raises(PoolError, match="cannot write"):
        plain.save(tmp_path / target)
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_an_empty_target_is_a_folder(plain):
    with pytest.raises(PoolError, match="it is a folder; name a file"):
        plain.save("")


def test_a_notebook_gets_the_same_file_in_a_closed_frame(plain):
    [(_, attrs)] = [(t, a) for t, a in Reader(plain._repr_html_()).tags if t == "iframe"]
    assert html.unescape(attrs["srcdoc"]) == plain.html
    assert attrs["sandbox"] == "allow-scripts"
    assert attrs["title"]
    assert repr(plain) == "Explorer(notes=())"
    assert isinstance(plain, Explorer)


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def opened(monkeypatch):
    """The addresses that were opened in a browser; none is really."""
    shown = []
    monkeypatch.setattr("webbrowser.open", lambda address: shown.append(address) or True)
    return shown


def test_the_command_writes_the_page_and_says_where(tmp_path, monkeypatch, capsys, opened):
    monkeypatch.chdir(tmp_path)
    assert main(["explore"]) == 0
    written = tmp_path / "anypool-explorer.html"
    assert written.read_text("utf-8") == explorer().html
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"wrote anypool-explorer.html ({written.stat().st_size / 1000:.0f} kB)"
    assert second == f"open {written.resolve().as_uri()}"
    assert opened == []


def test_the_command_takes_a_photograph_a_state_and_a_name(tmp_path, capsys, opened):
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    image.fromarray(np.full((40, 600), 9, np.uint8)).save(tmp_path / "cup.png")
    target = tmp_path / "cup.html"
    words = ["explore", str(tmp_path / "cup.png"), "-o", str(target), "--state", "#a=min", "--open"]
    assert main(words) == 0
    assert "cup.png has 40 × 600 pixels" in capsys.readouterr().out
    assert given(target.read_text("utf-8"))["state"] == "#image=photo&a=min"
    assert opened == [target.as_uri()]


def test_without_a_browser_the_command_says_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda _: False)
    assert main(["explore", "-o", str(tmp_path / "page.html"), "--open"]) == 0
    assert "no browser was found" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no file"),
        (b"", "cup.png"),
        (b"words", "cup.png is not a photograph that can be read"),
    ],
)
def test_the_command_answers_a_bad_photograph_in_one_line(tmp_path, capsys, content, words):
    pytest.importorskip("PIL", reason="pillow is not installed")
    if content is not None:
        (tmp_path / "cup.png").write_bytes(content)
    assert main(["explore", str(tmp_path / "cup.png"), "-o", str(tmp_path / "page.html")]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not (tmp_path / "page.html").exists()
