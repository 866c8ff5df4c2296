"""The pages made of pictures: their examples run, their pictures show what the code gives today."""

import doctest
import importlib
import io
import re
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("adaptive", "max-and-average", "performance")

pytest.importorskip("matplotlib", reason="matplotlib is not installed")
pytest.importorskip("PIL", reason="pillow is not installed")
pytest.importorskip("skimage", reason="scikit-image is not installed")


def text(name):
    if not (ROOT / "Makefile").exists():
        pytest.skip("needs the checkout: the documents are not in the wheel")
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pictures():
    """scripts/pictures.py as a module."""
    text("scripts/pictures.py")
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        yield importlib.import_module("pictures")
    finally:
        sys.path.pop(0)


def names():
    return sorted(p.name for p in (ROOT / "docs" / "pictures").glob("*.*"))


@pytest.mark.parametrize(("name", "least"), [("adaptive", 25), ("max-and-average", 18)])
def test_the_pages_run(name, least):
    text(f"docs/{name}.md")
    failed, tried = doctest.testfile(str(ROOT / f"docs/{name}.md"), module_relative=False)
    assert tried >= least
    assert not failed


def test_every_picture_is_made_kept_and_shown(pictures):
    shown = {m for page in PAGES for m in re.findall(r"\]\(pictures/([^)]+)\)", text_of(page))}
    assert shown == set(pictures.PICTURES) == set(names())


def text_of(page):
    return text(f"docs/{page}.md")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere_and_pictures_are_described(page):
    targets = re.findall(r"!?\[([^\]]*)\]\((?!https?:)([^)#]+)\)", text_of(page))
    assert targets
    assert [t for _, t in targets if not (ROOT / "docs" / t).exists()] == []
    assert all(len(words) > 40 for words, t in targets if t.startswith("pictures/"))


def same(kept, told):
    """A picture's words are the same, and its numbers to the last digit that is drawn."""
    assert kept["words"] == told["words"]
    assert len(kept["numbers"]) == len(told["numbers"])
    for old, new in zip(kept["numbers"], told["numbers"], strict=True):
        np.testing.assert_allclose(old, new, rtol=0, atol=2e-3)


@pytest.mark.parametrize("name", names())
def test_a_kept_picture_shows_what_the_code_gives_today(pictures, name):
    import json

    told = json.loads(pictures.about(pictures.made(name)))
    same(pictures.kept(pictures.FOLDER / name), told)


@pytest.mark.parametrize("name", [n for n in names() if n.endswith(".svg")])
def test_the_words_of_a_drawing_are_in_it(pictures, name):
    """What the file says that it shows is what it shows."""
    from html import unescape

    path = pictures.FOLDER / name
    drawn = {unescape(w) for w in re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text("utf-8"))}
    words = {line for w in pictures.kept(path)["words"] for line in w.split("\n") if line}
    assert words <= drawn


@pytest.mark.parametrize("name", [n for n in names() if n.endswith(".png")])
def test_the_pixels_are_those_of_today(pictures, name):
    """Coarsely: letters and colours differ a little from one matplotlib to the next."""
    from PIL import Image

    from anypool.see.save import settings

    file = io.BytesIO()
    with settings():
        pictures.made(name).savefig(file, format="png")
    with Image.open(pictures.FOLDER / name) as kept, Image.open(file) as made:
        assert np.abs(np.subtract(kept.size, made.size)).max() <= 2
        small = [np.asarray(i.convert("RGB").resize((40, 40))).astype(float) for i in (kept, made)]
    assert np.abs(small[0] - small[1]).mean() < 3


def test_another_picture_is_noticed(pictures):
    import json

    told = json.loads(pictures.about(pictures.made("copied-error.svg")))
    told["numbers"][0][3] += 0.01
    with pytest.raises(AssertionError, match="Not equal"):
        same(pictures.kept(pictures.FOLDER / "copied-error.svg"), told)
    with pytest.raises(AssertionError, match="assert"):
        same(pictures.kept(pictures.FOLDER / "shift.svg"), told)


def test_the_pictures_are_small():
    sizes = {name: (ROOT / "docs" / "pictures" / name).stat().st_size for name in names()}
    assert max(sizes.values(), default=0) < 150_000
    assert sum(sizes.values()) < 600_000
