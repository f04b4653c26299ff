from __future__ import annotations

import re
from html.parser import HTMLParser

from hypothesis import example, given
from hypothesis import strategies as st

from api.ops.plots import Curve, Plot, figure, nice_top

VALUES = st.lists(st.none() | st.floats(0, 1e9, allow_nan=False), min_size=1, max_size=60)


def a_plot(values: list[float | None], **changes: object) -> Plot:
    times = tuple(f"12:{number:02}" for number in range(len(values)))
    fields = {
        "anchor": "a",
        "title": "Speed <b>",
        "headline": "5 & more",
        "about": "",
        "curves": (Curve("one", values), Curve("other", values, "two")),
        "times": times,
        "written": "{:.1f} s".format,
    }
    return Plot(**(fields | changes))  # type: ignore[arg-type]


@given(st.floats(0, 1e12, allow_nan=False))
@example(5e-324)
@example(1e-6)
def test_the_scale_ends_at_a_round_number_that_no_value_exceeds(largest: float) -> None:
    top = nice_top(largest)

    assert top >= largest * (1 - 1e-9)
    assert top <= max(10 * largest, 1)
    assert re.fullmatch(r"[125](\.0+)?e[+-]\d+", f"{top:e}")


@given(VALUES, st.booleans())
def test_every_mark_lies_within_the_picture_and_every_text_is_escaped(
    values: list[float | None], lines: bool
) -> None:
    html = figure(a_plot(values, lines=lines))

    widths = [float(each) for each in re.findall(r" (?:x|x1|x2|cx)='([\d.]+)%'", html)]
    heights = [float(each) for each in re.findall(r" (?:y|y1|y2|cy)='([-\d.]+)'", html)]
    assert all(0 <= each <= 100 for each in widths)
    assert all(0 <= each <= 134 for each in heights)
    assert "<b>" not in html
    assert "&amp; more" in html


def test_a_picture_says_its_numbers_in_words_and_in_a_table() -> None:
    html = figure(a_plot([None, 2.5, 0.0]))

    assert "aria-label='Speed &lt;b&gt;: 5 &amp; more. The largest value is 2.5 s.'" in html
    cells = Texts(html, "td").texts
    assert cells == ["2.5 s", "2.5 s"]


def test_nothing_measured_is_said_and_not_drawn() -> None:
    html = figure(a_plot([None, None]))

    assert "Nothing in this time." in html
    assert "<rect" not in html


class Texts(HTMLParser):
    """The texts of all elements with this name."""

    def __init__(self, html: str, tag: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._tag, self._inside = tag, False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._inside = tag == self._tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts.append(data)
