"""The locks are whole: who has them needs no resolver, and what is promised is what is tried."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from requirements.installer.lock import Lock, normalized

PROJECT = Path(__file__).resolve().parents[3]
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
PROMISED = ("3.11", "3.12", "3.13", "3.14")
EXTRAS = {
    "production": {"tracing"},
    "demo": {"tracing", "embedded"},
    "development": {"tracing", "embedded", "dev"},
    "bench": {"tracing", "embedded", "dev", "bench"},
}


def lock(name: str) -> Lock:
    return Lock(PROJECT / "requirements" / f"{name}.txt")


def asked_for(extras: set[str]) -> list[Requirement]:
    project = PYPROJECT["project"]
    optional = project["optional-dependencies"]
    return [
        Requirement(text)
        for text in [*project["dependencies"], *(line for e in extras for line in optional[e])]
    ]


def holds(requirement: Requirement, python: str, machine: str, extras: set[str]) -> bool:
    if requirement.marker is None:
        return True
    system = {"x86_64": "linux", "aarch64": "linux", "arm64": "darwin"}[machine]
    run_events = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": system,
        "platform_machine": machine,
    }
    return any(requirement.marker.evaluate(run_events | {"extra": extra}) for extra in extras or {""})


def missing_from(whole: Lock, python: str, machine: str, wanted: list[Requirement]) -> list[str]:
    """What is required on such a machine, by whomever, and not locked in a version that will do."""
    versions: dict[str, list[str]] = {}
    for name, version in whole.pins:
        versions.setdefault(name, []).append(version.split(";")[0].strip())
    waiting = [(requirement, "") for requirement in wanted if holds(requirement, python, machine, set())]
    seen: set[tuple[str, str]] = set()
    missing = []
    while waiting:
        requirement, by = waiting.pop()
        name = normalized(requirement.name)
        if not any(
            requirement.specifier.contains(version, prereleases=True) for version in versions.get(name, [])
        ):
            missing.append(f"{requirement} for {by or 'the project'}")
        for extra in {"", *requirement.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                needs = (Requirement(text) for text in requirements_of(name))
                waiting += [(need, name) for need in needs if holds(need, python, machine, {extra})]
    return missing


def requirements_of(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:  # for another kind of machine
        return []


@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "arm64"])
@pytest.mark.parametrize("python", PROMISED)
@pytest.mark.parametrize("name", ["production", "demo", "development"])
def test_every_requirement_of_every_locked_package_is_locked(name: str, python: str, machine: str) -> None:
    assert missing_from(lock(name), python, machine, asked_for(EXTRAS[name])) == []


def test_a_lock_that_lacks_what_an_extra_needs_is_noticed() -> None:
    without = Lock(PROJECT / "requirements" / "build.txt")

    assert "psycopg[binary]<4,>=3.3 for the project" in missing_from(
        without, "3.13", "x86_64", asked_for(set())
    )
    assert any("psycopg-binary" in line for line in missing_from(without, "3.13", "x86_64", asked_for(set())))


@pytest.mark.parametrize(
    ("larger", "smaller"),
    [("demo", "production"), ("demo", "build"), ("development", "demo"), ("bench", "development")],
)
def test_a_larger_set_holds_the_smaller_one(larger: str, smaller: str) -> None:
    assert lock(larger).pins - lock(smaller).pins
    assert lock(smaller).pins <= lock(larger).pins


@pytest.mark.parametrize("path", sorted((PROJECT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_every_pin_has_hashes_and_no_lock_names_an_index(path: Path) -> None:
    text = path.read_text()

    assert "://" not in text
    assert "--index-url" not in text
    for pin in re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in pin


def test_what_a_demo_does_not_need_is_not_in_its_set() -> None:
    assert not lock("demo").names & {
        "mypy",
        "ruff",
        "pytest",
        "hypothesis",
        "schemathesis",
        "kubernetes-validate",
    }


def test_what_builds_the_project_is_locked() -> None:
    asked = [Requirement(line) for line in PYPROJECT["build-system"]["requires"]]
    listed = [
        line for line in (PROJECT / "requirements/build.in").read_text().split("\n") if line[:1].isalpha()
    ]

    assert [str(requirement) for requirement in asked] == listed
    assert {normalized(requirement.name) for requirement in asked} <= lock("build").names


def test_the_python_of_the_image_is_the_first_choice_and_all_promised_ones_are_tried() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    choices = re.findall(r"python(3\.\d+)", makefile.split("PYTHON ?=")[1].split("; do")[0])
    dockerfile, compose = ((PROJECT / name).read_text() for name in ("Dockerfile", "docker-compose.yml"))
    assert set(re.findall(r"^FROM (\S+)", dockerfile, flags=re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    images = {
        *re.findall(r"^ARG PYTHON_IMAGE=python:(3\.\d+)-slim$", dockerfile, flags=re.MULTILINE),
        *re.findall(r"\$\{PYTHON_IMAGE:-python:(3\.\d+)-slim\}", compose),
    }
    of_ci = re.search(r'^PROMISED="(.*)"$', (PROJECT / ".ci/run").read_text(), flags=re.MULTILINE)

    assert images == {choices[0]}
    assert sorted(choices) == list(PROMISED)
    assert of_ci is not None
    assert tuple(of_ci[1].split()) == PROMISED
    promised = SpecifierSet(PYPROJECT["project"]["requires-python"])
    assert all(version in promised for version in PROMISED)
    assert "3.10" not in promised
