"""The bill as CycloneDX JSON: equal bytes for an equal lock, so neither a time nor a serial number."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.supply_chain.bill import Package

_PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def sbom(packages: Sequence[Package]) -> str:
    """CycloneDX 1.6. The SHA-256 of every file that the lock allows is a property: one package has several files."""
    project = tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": project["name"],
                "name": project["name"],
                "version": project["version"],
            }
        },
        "components": [_component(package) for package in packages],
    }
    return json.dumps(bill, indent=1) + "\n"


def _component(package: Package) -> dict[str, Any]:
    marker = [{"name": "tafawoq:marker", "value": package.marker}] if package.marker else []
    hashes = [{"name": "tafawoq:lock:sha256", "value": value} for value in package.hashes]
    return {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "licenses": [{"expression": package.licence}],
        "properties": [*marker, *hashes],
    }
