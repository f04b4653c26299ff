"""The files that are made from the bill, with their text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tools.supply_chain.bill import REQUIREMENTS, Package, packages
from tools.supply_chain.sbom import sbom

SBOM = REQUIREMENTS / "sbom.json"
PAGE = REQUIREMENTS.parent / "docs" / "licences.md"

_HEAD = """\
# Licences

For whoever must know what a copy of the image contains, and under which terms.

Made from the production lock and `requirements/licences.toml` by `make sbom`; a test keeps it current, and fails when a
package has a licence that is not allowed and no reason. The same as CycloneDX: `requirements/sbom.json`, which names the
SHA-256 of every file that `pip install --require-hashes` accepts.

The image also holds the base image's own packages: `docker sbom` or Trivy lists them for the digest that you build from
(docs/operations.md). Development, bench and peers install more, which is never shipped.
"""


def pages() -> dict[Path, str]:
    """Raises LicenceProblem."""
    found = packages()
    return {SBOM: sbom(found), PAGE: _page(found)}


def _page(found: Sequence[Package]) -> str:
    counts = Counter(package.licence for package in found)
    return "\n".join(
        [
            _HEAD,
            *_table(("licence", "packages"), [(name, str(counts[name])) for name in sorted(counts)]),
            "\n## Used for a reason\n",
            *_table(
                ("package", "licence", "why we may use it"),
                [(package.name, package.licence, package.reason) for package in found if package.reason],
            ),
            "\n## All\n",
            *_table(
                ("package", "version", "licence", "only where"),
                [
                    (
                        package.name,
                        package.version,
                        package.licence,
                        f"`{package.marker}`" if package.marker else "",
                    )
                    for package in found
                ],
            ),
            "",
        ]
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [_row(head), _row(["---"] * len(head)), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
