"""The document is safe, legible on any page, and holds no more than a page may be asked to load."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.figures import canvas
from generation.figures.canvas import Canvas
from generation.figures.geometry import Arc, Line, Piece, circle, polygon, signed_area
from generation.figures.labels import Label, place
from generation.figures.reasons import FigureRejected, Reason
from generation.figures.text import ordered


@given(st.text(max_size=60))
def test_any_text_and_caption_make_a_well_formed_document(text: str) -> None:
    page = Canvas(200)
    page.text(text, 100 + 100j)
    root = ET.fromstring(page.svg(text))
    assert {element.tag.split("}")[1] for element in root.iter()} <= {"svg", "title", "rect", "g", "text"}


def test_markup_in_a_text_stays_text() -> None:
    page = Canvas(200)
    page.text("<script>alert(1)</script>", 100 + 100j)
    assert "<script" not in page.svg('"><image href="https://example.org"/>')


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("color", [canvas.INK, canvas.QUIET, canvas.ASKED])
@pytest.mark.parametrize("ground", [canvas.CARD, canvas.SHADE])
def test_texts_and_lines_have_the_contrast_of_wcag_aa(color: str, ground: str) -> None:
    assert contrast(color, ground) >= 4.5


@pytest.mark.parametrize("color", [canvas.HATCH, *canvas.PALETTE])
def test_hatching_and_series_stand_out_from_the_card(color: str) -> None:
    assert contrast(color, canvas.CARD) >= 3


def test_a_document_that_is_too_large_is_rejected() -> None:
    page = Canvas(400)
    for x in range(400):
        page.outline([Line(complex(x, 0), complex(x, 399.25))])
    with pytest.raises(FigureRejected) as rejected:
        page.svg("")
    assert rejected.value.reason is Reason.UNREADABLE


def test_labels_that_find_no_room_are_rejected() -> None:
    page = Canvas(60)
    labels = [Label("نص طويل لا مكان له هنا أبدًا", 200 + 30j, 1j) for _ in range(9)]
    with pytest.raises(FigureRejected):
        place(labels, [], page)


def test_formulas_keep_their_order_in_an_arabic_line() -> None:
    assert ordered("المساحة 3√2 سم²") == "المساحة \u20663√2\u2069 سم²"
    assert ordered("الوتر 15 سم") == "الوتر 15 سم"
    assert ordered("(3، 4)") == "(3، 4)"


def test_a_circle_is_closed_and_its_arcs_turn_the_right_way() -> None:
    data = canvas.path_data(circle(100 + 100j, 50))
    ends = re.findall(r"1 (-?[\d.]+) (-?[\d.]+)(?=A|$)", data)
    assert data.startswith("M150 100A50 50 0 0 1")
    assert ends[-1] == ("150", "100")


def test_areas_of_contours_are_measured_with_their_sign() -> None:
    assert signed_area(polygon(0, 4, 4 + 3j, 3j)) == pytest.approx(12)
    half: list[Piece] = [Arc(0, 2, 0, 180), Line(-2, 2)]
    assert signed_area(half) == pytest.approx(2 * 3.14159265, rel=1e-4)
