"""What a notebook shows of explain: the same numbers, as tables that a screen reader can walk."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

import anypool as ap
from strategies import windows_on

EMPTY = {"br", "hr", "img", "input", "meta", "link"}


class Tables(HTMLParser):
    """The tables of a page: captions, headings with their scope, rows of words."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.open, self.words = [], [], ""
        self.feed(text)
        self.close()
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        assert tag not in EMPTY
        self.open.append(tag)
        if tag == "table":
            self.tables.append({"caption": "", "heads": [], "rows": []})
        elif tag == "tr" and "tbody" in self.open:
            self.tables[-1]["rows"].append([])
        elif tag == "th":
            assert dict(attrs)["scope"] == ("col" if "thead" in self.open else "row")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data
        place = self.open[-1] if self.open else ""
        if place == "caption":
            self.tables[-1]["caption"] += data
        elif place in ("th", "td"):
            table = self.tables[-1]
            (table["heads"] if "thead" in self.open else table["rows"][-1]).append(data)


def test_the_numbers_are_those_of_the_table():
    outputs, inputs = Tables(ap.explain(10, ap.windows.adaptive(7))._repr_html_()).tables
    assert outputs["caption"] == "axis 0: 10 inputs, 7 outputs"
    assert outputs["heads"] == ["output", "reads", "count", "divisor"]
    assert outputs["rows"][2] == ["2", "[2:5]", "3", "3"]
    assert inputs["caption"].endswith("(read more than once: 6, never: 0)")
    assert inputs["rows"][0] == ["times read", *"1221221221"]
    assert inputs["rows"][1][:4] == ["mean weight", "0.5", "1", "0.833"]


@given(st.data())
def test_every_row_of_any_windows(data):
    lengths = data.draw(st.lists(st.integers(1, 12), min_size=1, max_size=3))
    told = ap.explain(tuple(lengths), data.draw(windows_on(lengths)).build())
    shown = Tables(told._repr_html_()).tables
    assert len(shown) == 2 * len(lengths)
    for axis in range(len(lengths)):
        rows = [r for r in told.table if r.axis == axis]
        assert [row[-4:] for row in shown[2 * axis]["rows"]] == [
            [str(r.output), r_words(r), str(r.reads), str(r.divisor)] for r in rows
        ]
        assert shown[2 * axis + 1]["rows"][0][1:] == [str(c) for c in told.coverage[axis]]


def r_words(row):
    step = f":{row.step}" if row.step > 1 else ""
    return f"[{row.start}:{row.stop}{step}]" if row.reads else "nothing"


def test_a_long_table_is_shortened_and_says_so():
    outputs, inputs = Tables(ap.explain(1000, ap.windows.sliding(2))._repr_html_()).tables
    names = [row[0] for row in outputs["rows"]]
    assert names == [*map(str, range(36)), "… 460 more …", *map(str, range(496, 500))]
    assert len(inputs["heads"]) == 26
    assert inputs["heads"][-1] == "..."


def test_the_grids_of_a_pyramid_are_numbered():
    outputs, _ = Tables(ap.explain(6, ap.windows.pyramid((1, 2)))._repr_html_()).tables
    assert outputs["heads"][0] == "grid"
    assert [row[:2] for row in outputs["rows"]] == [["0", "0"], ["1", "0"], ["1", "1"]]


class Odd(ap.windows.Windows):
    """Windows whose name would be a tag."""

    def rules(self, rank):
        return ap.windows.whole().rules(rank)

    def __repr__(self):
        return "<script>alert('&')</script>"


def test_words_are_escaped():
    html = ap.explain(3, Odd(), kernel=True)._repr_html_()
    assert "<script>" not in html
    assert "<script>alert('&')</script>" in Tables(html).words
    assert "kernel: " in html


def test_no_colour_and_no_style_of_its_own():
    html = ap.explain(10, ap.windows.adaptive(7))._repr_html_()
    assert "style" not in html
    assert "class" not in html


def test_the_parser_notices_what_is_not_closed():
    with pytest.raises(AssertionError, match="not closed"):
        Tables("<table><thead>")
