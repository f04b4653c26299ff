"""The picture of the terminal, from the same screen that `make demo` draws."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console
from rich.terminal_theme import MONOKAI

from tools.demo.live_screen import LiveScreen
from tools.demo.shape import BatchShape

_COLUMNS, _LINES = 104, 36

#: Like rich's own, without the fonts that it would load from another host.
_FRAME = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: system-ui, sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class RecordedScreen(LiveScreen):
    """Draws nothing while the exam goes on, and a picture when it is asked."""

    def __init__(self, shape: Sequence[BatchShape]) -> None:
        self._paper = Console(
            file=io.StringIO(), record=True, force_terminal=True, width=_COLUMNS, height=_LINES
        )
        super().__init__(shape, self._paper)

    def picture(self) -> str:
        """The screen of this moment as SVG."""
        self._paper.print(self.drawn())
        return self._paper.export_svg(title="make demo", theme=MONOKAI, code_format=_FRAME, unique_id="demo")
