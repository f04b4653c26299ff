"""Texts are no wider in a browser than the drawing reckons with."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest

from generation.figures.catalogue import parse
from generation.figures.text import is_arabic, ordered, text_size
from tools.figures.samples import SAMPLES, sample

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
#: DejaVu Sans, the widest of the usual fonts, is 9 % wider than reckoned with for a few short texts at most.
AT_MOST_TIMES = 1.09

PAGE = """<!doctype html><meta charset="utf-8"><svg xmlns="http://www.w3.org/2000/svg" direction="rtl">{}</svg>
<pre id="sizes"></pre><script>
const boxes = [...document.querySelectorAll("text")].map(text => text.getBBox().width)
document.getElementById("sizes").textContent = JSON.stringify(boxes)
</script>"""


def drawn_texts() -> list[str]:
    figures = [parse(sample(name, Random(seed))) for name in SAMPLES for seed in range(15)]
    letters = set("ابتثجحخدذرزسشصضطظعغفقكلمنهوي")
    return sorted({placed.text for figure in figures for placed in figure.lay_out().texts} | letters)


@pytest.mark.proof
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_no_text_is_wider_in_chromium_than_its_box(tmp_path: Path) -> None:
    texts = drawn_texts()
    elements = "".join(
        f'<text font-size="18" font-family="system-ui, sans-serif"'
        f"{'' if is_arabic(text) else ' direction=ltr'}>{html.escape(ordered(text))}</text>"
        for text in texts
    )
    page = tmp_path / "texts.html"
    page.write_text(PAGE.replace("{}", elements), encoding="utf-8")
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", page.as_uri()]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=100).stdout
    found = re.search(r'<pre id="sizes">(.*?)</pre>', shown, re.DOTALL)
    assert found is not None
    widths = json.loads(found[1])
    too_wide = [
        (t, w, text_size(t)[0])
        for t, w in zip(texts, widths, strict=True)
        if w > AT_MOST_TIMES * text_size(t)[0]
    ]
    assert too_wide == []
