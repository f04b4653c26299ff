"""The page about security names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_test_that_the_security_page_names_exists() -> None:
    named = re.findall(r"`(tests/[^`]+\.py)`", (ROOT / "docs/security.md").read_text(encoding="utf-8"))
    assert named
    assert [path for path in named if not (ROOT / path).is_file()] == []
