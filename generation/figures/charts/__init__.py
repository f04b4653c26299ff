"""Charts: each module has its patterns; `PATTERNS` lists them all."""

from __future__ import annotations

from typing import Final

from generation.figures.charts import bars, lines, pie, table
from generation.figures.pattern import Pattern

PATTERNS: Final[tuple[type[Pattern], ...]] = (*bars.PATTERNS, *lines.PATTERNS, *pie.PATTERNS, *table.PATTERNS)
