"""Draws three figures of each pattern on one page, and takes pictures of it with Chromium where that is installed."""

from __future__ import annotations

import argparse
import base64
import html
import shutil
import subprocess
from itertools import product
from pathlib import Path
from random import Random
from typing import Final

from generation.figures.catalogue import PATTERNS, asked, caption, draw, parse
from generation.figures.pattern import Pattern
from tools.figures.samples import SAMPLES, sample
from tools.figures.table import catalogue_table

_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
_VIEWS: Final = {  # the page's width and the height of a pattern's row in px, its columns, and whether it is dark
    "desktop-light": (1320, 480, 3, False),
    "desktop-dark": (1320, 480, 3, True),
    "phone-light": (320, 1000, 1, False),
    "phone-dark": (320, 1000, 1, True),
}
_PATTERNS_A_PAGE: Final = 12  #: a browser takes no picture of a longer page
_OVERVIEW_COLUMNS: Final = 8
_OVERVIEW_PX, _OVERVIEW_ROW_PX = 1320, 132
_OVERVIEW_STYLE: Final = (
    f"div{{display:grid;grid-template-columns:repeat({_OVERVIEW_COLUMNS},1fr);gap:8px}}"
    f"img{{width:100%;height:{_OVERVIEW_ROW_PX - 8}px;object-fit:contain}}"
)
_STYLE: Final = """
body { margin: 0; padding: 12px; font-family: system-ui, sans-serif; direction: rtl; background: %s; color: %s }
h2 { margin: 16px 4px 6px; font-size: 17px; unicode-bidi: plaintext }
.row { display: grid; grid-template-columns: repeat(%d, minmax(0, 1fr)); gap: 12px }
figure { margin: 0 } img { width: 100%%; height: auto; display: block }
figcaption { font-size: 13px; line-height: 1.5; padding: 4px }
"""


def main() -> None:
    options = _options()
    if options.table:
        print(catalogue_table(), end="")
        return
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    names = options.only.split(",") if options.only else [name for name in PATTERNS if name in SAMPLES]
    browser = next((found for found in map(shutil.which, _BROWSERS) if found), None)
    _write_overview(out, names, browser, options.seed)
    pages = [names[i : i + _PATTERNS_A_PAGE] for i in range(0, len(names), _PATTERNS_A_PAGE)]
    for (view, (width, row, columns, dark)), (number, part) in product(
        _VIEWS.items(), enumerate(pages, start=1)
    ):
        page = out / f"{view}-{number}.html"
        page.write_text(sheet(part, columns=columns, dark=dark, seed=options.seed), encoding="utf-8")
        print(page)
        if browser is not None:
            print(_pictured(browser, page, width, row * len(part)))
    if browser is None:
        print("No Chromium was found: open the pages in a browser.")


def _write_overview(out: Path, names: list[str], browser: str | None, seed: int) -> None:
    """One figure of each pattern, small: the picture of the documents."""
    images = "".join(
        f"<img src='{_source(parse(sample(name, _random(name, seed))))}' alt=''>" for name in names
    )
    style = f"body{{margin:8px;background:#f1f5f9}}{_OVERVIEW_STYLE}"
    page = out / "overview.html"
    page.write_text(
        f"<!doctype html><meta charset=utf-8><style>{style}</style><div>{images}</div>", encoding="utf-8"
    )
    print(page)
    if browser is not None:
        rows = -(-len(names) // _OVERVIEW_COLUMNS)
        print(_pictured(browser, page, _OVERVIEW_PX, 16 + rows * _OVERVIEW_ROW_PX))


def sheet(names: list[str], *, columns: int, dark: bool, seed: int) -> str:
    """The whole page."""
    colors = ("#0f172a", "#e2e8f0") if dark else ("#f1f5f9", "#0f172a")
    style = _STYLE % (*colors, columns)
    rows = "".join(_row(name, seed) for name in names)
    return f'<!doctype html><html lang="ar"><meta charset="utf-8"><style>{style}</style>{rows}</html>'


def _row(name: str, seed: int) -> str:
    figures = "".join(_figure(name, seed * 100 + index) for index in range(3))
    return f'<h2>{html.escape(PATTERNS[name].title)} · {name}</h2><div class="row">{figures}</div>'


def _figure(pattern: str, seed: int) -> str:
    figure = parse(sample(pattern, _random(pattern, seed)))
    words = html.escape(caption(figure))
    answers = "، ".join(
        f"{quantity.names[0] if quantity.names else name} = <bdi dir=ltr>{quantity.value}</bdi>"
        for name, quantity in asked(figure).items()
    )
    return (
        f'<figure><img src="{_source(figure)}" alt="{words}">'
        f"<figcaption>{words}<br><small>المطلوب: {answers or 'لا شيء'}</small></figcaption></figure>"
    )


def _source(figure: Pattern) -> str:
    """The figure as the address of an image."""
    return f"data:image/svg+xml;base64,{base64.b64encode(draw(figure).encode()).decode()}"


def _random(name: str, seed: int) -> Random:
    return Random(f"{name}{seed}")


def _pictured(browser: str, page: Path, width: int, height: int) -> Path:
    picture = page.with_suffix(".png")
    subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--window-size={width},{height}",
            f"--screenshot={picture.resolve()}",
            page.resolve().as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return picture


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.figures", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(".figures"), help="a folder for pages and pictures")
    parser.add_argument("--only", default="", help="patterns, separated by commas")
    parser.add_argument("--table", action="store_true", help="print the table of docs/figures.md instead")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
