"""The page about figures names what there is."""

from __future__ import annotations

from pathlib import Path

from tools.figures.table import catalogue_table

ROOT = Path(__file__).parents[4]


def test_the_table_of_the_page_is_the_catalogue() -> None:
    assert (ROOT / "docs/figures.md").read_text(encoding="utf-8").endswith(catalogue_table())


def test_the_picture_of_the_page_is_small() -> None:
    assert (ROOT / "docs/pictures/figures.png").stat().st_size < 400_000
