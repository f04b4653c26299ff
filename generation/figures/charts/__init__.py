"""Charts: each module has its patterns; `PATTERNS` lists them all.

A chart is a Pattern that draws on a Canvas itself (`lay_out`). Its values are no single measures, so it says itself
what is shown (`shown_data`), what its caption lists (`measure_texts`) and when it shows nothing (`shows_nothing`).
"""

from __future__ import annotations

from typing import Final

from generation.figures.pattern import Pattern

PATTERNS: Final[tuple[type[Pattern], ...]] = ()
