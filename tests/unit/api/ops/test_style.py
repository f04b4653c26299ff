"""The operators' page can be read: WCAG 2.2 AA in both colour schemes, and nothing of it comes from elsewhere."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

STYLE = files("api.ops").joinpath("page.css").read_text("utf-8")
SCRIPT = files("api.ops").joinpath("page.js").read_text("utf-8")

TEXT, GRAPHIC = 4.5, 3.0
PAIRS = [
    *((text, ground, TEXT) for text in ("text", "quiet", "one") for ground in ("ground", "card")),
    *((mark, "card", GRAPHIC) for mark in ("one", "two", "failed", "solve", "faint", "commit")),
    *((mark, "ground", GRAPHIC) for mark in ("one", "two", "faint")),
]


def schemes() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    return {
        name: dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for name, block in (("light", light), ("dark", dark))
    }


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_the_contrast_is_enough(scheme: str, front: str, back: str, least: float) -> None:
    colours = schemes()[scheme]
    brighter, darker = sorted((luminance(colours[front]), luminance(colours[back])), reverse=True)

    assert (brighter + 0.05) / (darker + 0.05) >= least


def test_both_schemes_define_the_same_colours_and_no_other_colour_is_used() -> None:
    light, dark = schemes().values()

    assert light.keys() == dark.keys()
    assert set(re.findall(r"var\(--([\w-]+)\)", STYLE)) <= light.keys()
    assert re.findall(r"#[0-9a-f]{3,8}\b", re.sub(r":root \{.*?\}", "", STYLE, flags=re.DOTALL)) == []


def test_style_and_script_name_no_address_and_end_no_element_early() -> None:
    for text in (STYLE, SCRIPT):
        assert "://" not in text
        assert "url(" not in text
        assert "</" not in text
