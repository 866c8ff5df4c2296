"""The claims page: every claim has its section, and its figures come from the benchmark."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
if not (ROOT / "bench").exists():
    pytest.skip(
        "needs the checkout: docs/ and bench/ are not in the wheel", allow_module_level=True
    )
torch = pytest.importorskip("torch", reason="torch is not installed")
sys.path.insert(0, str(ROOT))

from bench import claims, timing  # noqa: E402

PAGE = (ROOT / "docs" / "claims.md").read_text("utf-8")
SMALL = claims.Way("AdaptiveAvgPool2d", {"output_size": 2}, (1, 2, 5, 5))


def anchor(heading):
    """What a code host calls a heading in an address."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_claim_has_its_section():
    linked = re.findall(r"^\| \[[^\]]+\]\(#([^)]+)\) \|", PAGE, re.MULTILINE)
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert [anchor(heading) for heading in headings] == linked
    assert len(linked) >= 10


def test_the_table_on_the_page_is_the_benchmarks():
    told = PAGE.split(claims.BEGIN)[1].split(claims.END)[0]
    assert re.findall(r"^\| `(\w+)\(", told, re.MULTILINE) == [way.module for way in claims.WAYS]
    for way in claims.WAYS:
        assert way.words in told
        assert f"{claims.cells_read(way):,}".replace(",", " ") in told
    assert "python -m bench.claims" in told


def test_cells_are_counted_as_often_as_they_are_read():
    assert claims.cells_read(SMALL) == 6 * 6  # 5 to 2: three and three, the middle one twice
    sliding = claims.Way("AvgPool2d", {"kernel_size": 3, "stride": 1}, (1, 2, 5, 5))
    assert claims.cells_read(sliding) == 9 * 9


def test_what_is_kept_is_counted():
    relu = torch.nn.Identity(), torch.nn.Sigmoid()
    assert [claims.kept(module, (1, 2, 5, 5)) for module in relu] == [0, 4 * 50]


def test_a_row_is_measured_and_written():
    row, other = claims.measure([SMALL, SMALL], timing.Effort(1, 0.0))
    assert row["output"] == (2, 2)
    assert all(min(taken) > 0 for taken in row["seconds"].values())
    line = claims.table([row]).splitlines()[-1]
    assert line.startswith("| `AdaptiveAvgPool2d(2)` of 5x5 | 2x2 | 36 | ")
    row["seconds"]["torch"], other["seconds"]["torch"] = [3.0], [1.5]
    assert "PyTorch's adaptive pooling took 2.0 times as long" in claims.words([row, other])


def test_different_numbers_are_no_row(monkeypatch):
    import anypool.torch as at

    monkeypatch.setattr(at, "AdaptiveAvgPool2d", at.AdaptiveMaxPool2d)
    with pytest.raises(RuntimeError, match="do not give the same numbers"):
        claims.measure([SMALL], timing.Effort(1, 0.0))


def test_the_page_is_written_between_its_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{claims.BEGIN}\nold\n{claims.END}\nafter\n", "utf-8")
    claims.write("new", page)
    assert page.read_text("utf-8") == f"before\n{claims.BEGIN}\nnew\n{claims.END}\nafter\n"
