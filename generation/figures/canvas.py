"""An SVG page in px: lines, areas and texts on an opaque card, the same bytes for the same calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from generation.figures.geometry import Arc, Contour, Piece
from generation.figures.reasons import FigureRejected, Reason
from generation.figures.text import FONT_SIZE, Box, escape, is_arabic, ordered, text_size

WIDTH: Final = 400  #: px of every canvas; a page scales it
LARGEST_BYTES: Final = 8_192
_THICKNESS: Final = 2
MARGIN: Final = 6  #: px between a text and the edge of the card

# Every colour stands at least 4.5 : 1 against the card, and at least 4.5 : 1 against the shading.
CARD: Final = "#ffffff"
INK: Final = "#0f172a"
QUIET: Final = "#475569"  #: auxiliary lines
ASKED: Final = "#b91c1c"  #: the mark for what is asked
SHADE: Final = "#dbeafe"
HATCH: Final = "#2563eb"
_EDGE: Final = "#94a3b8"

_HATCHING: Final = (
    '<defs><pattern id="h" width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    f'<path d="M0 0H9V9H0z" fill="{SHADE}" stroke="none"/><path d="M0 0V9" stroke="{HATCH}" stroke-width="2"/></pattern></defs>'
)
HATCHED: Final = "url(#h)"

#: Fills of a chart's series: at least 3 : 1 against the card, each with its own dash or mark as well.
PALETTE: Final = ("#1d4ed8", "#c2410c", "#047857", "#7e22ce", "#b91c1c", "#0e7490", "#a16207", "#334155")

Align = Literal["left", "middle", "right"]


@dataclass(frozen=True, slots=True)
class PlacedText:
    """One text of the drawing. `measures`: the quantity that it states, or the place of an asked one."""

    text: str
    box: Box
    measures: str | None = None


class Canvas:
    """Collects elements from the back to the front, texts before all else. y points downwards."""

    def __init__(self, height: float, *, width: float = WIDTH) -> None:
        self.width = width
        self.height = height
        self.texts: list[PlacedText] = []
        self._elements: list[str] = []
        self._text_elements: list[str] = []
        self._is_hatched = False

    @property
    def bounds(self) -> Box:
        """Where texts may stand."""
        return Box(MARGIN, MARGIN, self.width - MARGIN, self.height - MARGIN)

    def outline(
        self, pieces: Contour, *, color: str = INK, thickness: float = _THICKNESS, dashed: bool = False
    ) -> None:
        """An open or closed line."""
        looks = "".join(
            (
                f' stroke="{color}"' if color != INK else "",
                f' stroke-width="{thickness:g}"' if thickness != _THICKNESS else "",
                ' stroke-dasharray="6 4"' if dashed else "",
            )
        )
        self._add(f'<path d="{path_data(pieces)}"{looks}/>')

    def region(self, *contours: Contour, fill: str = HATCHED) -> None:
        """A filled area; a contour inside another one is a hole."""
        self._is_hatched = self._is_hatched or fill == HATCHED
        data = "".join(f"{path_data(contour)}Z" for contour in contours)
        self._add(f'<path d="{data}" fill="{fill}" fill-rule="evenodd" stroke="none"/>')

    def box(self, box: Box, *, fill: str, edge: str = "none") -> None:
        """A filled rectangle, such as a bar or the key of a series."""
        x, y = _px(box.left), _px(box.top)
        width, height = _px(box.right - box.left), _px(box.bottom - box.top)
        self._is_hatched = self._is_hatched or fill == HATCHED
        self._add(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{fill}" stroke="{edge}"/>')

    def dot(self, center: complex, *, radius: float = 3.5, color: str = INK) -> None:
        x, y = center.real, center.imag
        self._add(f'<circle cx="{_px(x)}" cy="{_px(y)}" r="{radius:g}" fill="{color}" stroke="none"/>')

    def text(
        self,
        text: str,
        at: complex,
        *,
        size: float = FONT_SIZE,
        bold: bool = False,
        color: str = INK,
        align: Align = "middle",
        measures: str | None = None,
    ) -> PlacedText:
        """One line of text, with a white rim that keeps it legible on lines.

        `at` is the middle of the text, or with `align` the middle of its left or right edge.
        """
        width, height = text_size(text, size)
        shift = {"left": width / 2, "middle": 0, "right": -width / 2}[align]
        placed = PlacedText(text, Box.around(at + shift, width, height), measures)
        self.texts.append(placed)
        arabic = is_arabic(text)
        anchor = {"left": "end" if arabic else "start", "right": "start" if arabic else "end"}.get(align)
        looks = "".join(
            (
                f' font-size="{size:g}"' if size != FONT_SIZE else "",
                ' font-weight="bold"' if bold else "",
                f' fill="{color}"' if color != INK else "",
                "" if arabic else ' direction="ltr"',
                f' text-anchor="{anchor}"' if anchor else "",
            )
        )
        x, y = _px(at.real), _px(at.imag + size * _BASELINE)
        self._text_elements.append(f'<text x="{x}" y="{y}"{looks}>{escape(ordered(text))}</text>')
        return placed

    def svg(self, caption: str) -> str:
        """The whole document. Raises FigureRejected when it is larger than a page may be asked to load."""
        width, height = _px(self.width), _px(self.height)
        root = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" direction="rtl" fill="none" stroke="{INK}" stroke-width="{_THICKNESS}" '
            'stroke-linejoin="round" stroke-linecap="round" '
            f'font-family="system-ui, sans-serif" font-size="{FONT_SIZE}">'
        )
        card = (
            f'<rect x=".5" y=".5" width="{_px(self.width - 1)}" height="{_px(self.height - 1)}" rx="10" '
            f'fill="{CARD}" stroke="{_EDGE}" stroke-width="1"/>'
        )
        hatching = _HATCHING if self._is_hatched else ""
        document = "".join(
            (
                f"{root}<title>{escape(caption)}</title>{hatching}{card}",
                *self._elements,
                _TEXTS,
                *self._text_elements,
                "</g></svg>",
            )
        )
        if len(document.encode()) > LARGEST_BYTES:
            raise FigureRejected(Reason.UNREADABLE, f"its drawing is larger than {LARGEST_BYTES} bytes")
        return document

    def _add(self, element: str) -> None:
        self._elements.append(element)


_BASELINE: Final = 0.35  #: from the middle of a line down to its baseline, as a part of the font size
_TEXTS: Final = (  # the stroke is the rim
    f'<g fill="{INK}" stroke="{CARD}" stroke-width="4" paint-order="stroke" text-anchor="middle">'
)


def path_data(pieces: Contour) -> str:
    """SVG path data of connected pieces, in px."""
    start = pieces[0].start
    parts = [f"M{_px(start.real)} {_px(start.imag)}"]
    return "".join((*parts, *map(_piece_data, pieces)))


def _piece_data(piece: Piece) -> str:
    if not isinstance(piece, Arc):
        return f"L{_px(piece.end.real)} {_px(piece.end.imag)}"
    span = piece.stop - piece.begin
    sweep = 1 if span > 0 else 0  # y points downwards, so growing angles turn clockwise
    radii = f"A{_px(piece.radius)} {_px(piece.vertical_radius)} 0"
    # An arc of more than a third is drawn as parts, because a whole circle begins where it ends.
    parts = max(1, -(-abs(span) // 120))
    ends = (piece.at(piece.begin + span * (part + 1) / parts) for part in range(int(parts)))
    return "".join(f"{radii} 0 {sweep} {_px(end.real)} {_px(end.imag)}" for end in ends)


def _px(value: float) -> str:
    """Two decimals at most, and never a negative zero."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")
