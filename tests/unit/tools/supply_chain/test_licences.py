"""The list of licences and the SBOM are those of the lock, and no package is used without a licence that we know."""

from __future__ import annotations

import json
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata, version
from pathlib import Path

import pytest

from tools.supply_chain.bill import LICENCES, LOCK, LicenceProblem, Package, packages
from tools.supply_chain.pages import pages

#: A word by which a package's free text names a family of licences.
FAMILIES = {
    "Apache": ("apache",),
    "BSD": ("bsd",),
    "ISC": ("isc",),
    "LGPL": ("lgpl", "lesser"),
    "MIT": ("mit",),
    "MPL": ("mpl", "mozilla"),
    "PSF": ("psf", "python software foundation"),
}


def test_the_pages_are_those_of_the_lock() -> None:
    for path, text in pages().items():
        assert path.read_text(encoding="utf-8") == text, f"Run `make sbom`: {path.name} is old."


def test_the_sbom_names_every_package_of_the_lock_once() -> None:
    bill = json.loads(next(text for path, text in pages().items() if path.name == "sbom.json"))
    purls = [component["purl"] for component in bill["components"]]
    pinned = [
        line.split(" ")[0] for line in LOCK.read_text().splitlines() if "==" in line and line[0].isalnum()
    ]
    assert sorted(purls) == sorted(f"pkg:pypi/{pin.replace('==', '@')}" for pin in pinned)
    assert len(set(purls)) == len(purls) > 70
    hashes = [p for component in bill["components"] for p in component["properties"] if "sha256" in p["name"]]
    assert len(hashes) == LOCK.read_text().count("--hash=sha256:")


@pytest.mark.parametrize("package", packages(), ids=lambda package: package.name)
def test_a_package_says_itself_what_we_say_of_its_licence(package: Package) -> None:
    try:
        said = metadata(package.name)
        is_locked = version(package.name) == package.version
    except PackageNotFoundError:
        assert package.marker, "what is installed everywhere is installed here"
        return
    if is_locked:
        assert agrees(said, package.licence)


def agrees(said: PackageMetadata, licence: str) -> bool:
    """Whether the metadata's expression is this one, or its older fields name the same family."""
    fields = said.json
    if expression := fields.get("license_expression"):
        return expression == licence
    words = f"{fields.get('license')} {fields.get('classifier')}".lower()
    return any(word in words for family, named in FAMILIES.items() if family in licence for word in named)


def written(tmp_path: Path, change: tuple[str, str]) -> Path:
    path = tmp_path / "licences.toml"
    text = LICENCES.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change))
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('celery = "BSD-3-Clause"', 'celery = "AGPL-3.0-only"'), "celery is under AGPL-3.0-only"),
        (('celery = "BSD-3-Clause"\n', ""), "celery is locked, and licences.toml does not say"),
        (('certifi = "Weak', 'certify = "Weak'), "certifi is under MPL-2.0"),
        (("[packages]\n", '[packages]\nleft-pad = "MIT"\n'), "names left-pad, which is not locked"),
    ],
)
def test_a_licence_that_is_unknown_or_not_allowed_is_named(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    with pytest.raises(LicenceProblem, match=said):
        packages(licences=written(tmp_path, change))
