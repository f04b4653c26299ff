"""Each mistake in docs/settings-mistakes.md is answered as the page says, without a secret."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.support.mistaken_servers import SECRET, Site, site
from tests.support.settings_mistakes import MISTAKES, PAGE, Mistake, observed, row
from worker.commands.doctor import examine
from worker.doctor import Health


@pytest.fixture(scope="module")
def well() -> Iterator[Site]:
    with site() as well:
        yield well


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_a_mistake_is_answered_as_the_page_says(well: Site, mistake: Mistake) -> None:
    if mistake.needs and shutil.which(mistake.needs) is None:
        pytest.skip(f"{mistake.needs} is not installed")

    said = observed(well, mistake)

    assert SECRET not in f"{said}"
    assert "Traceback" not in f"{said}"
    assert row(mistake, said) in PAGE.read_text(encoding="utf-8").splitlines()


def test_the_page_has_no_other_mistake() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]

    assert [line.split(" | ")[0] for line in rows[1:]] == [f"| {mistake.what}" for mistake in MISTAKES]


@pytest.mark.parametrize(
    ("variable", "address", "about"),
    [
        ("DATABASE_URL", "postgresql://db.tafawoq.invalid/d?sslmode=require", "certificate of Postgres"),
        ("REDIS_URL", "rediss://127.0.0.1:1/0?ssl_cert_reqs=none", "certificate of Redis"),
    ],
)
def test_doctor_names_a_server_that_need_not_prove_who_it_is(
    monkeypatch: pytest.MonkeyPatch, variable: str, address: str, about: str
) -> None:
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/d")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv(variable, address)

    [found] = [finding for finding in examine() if finding.about.startswith("certificate")]

    assert found.about == about
    assert found.health is Health.POOR
    assert "_CA_FILE" in found.remedy
