"""`python -m tools.supply_chain`: write requirements/sbom.json and docs/licences.md again, from the lock.

Ends with 1, and a sentence for each package, when a licence is unknown or not allowed.
"""

from __future__ import annotations

import sys

from tools.supply_chain.bill import LicenceProblem
from tools.supply_chain.pages import pages


def main() -> None:
    try:
        for path, text in pages().items():
            path.write_text(text, encoding="utf-8")
    except LicenceProblem as err:
        sys.exit(str(err))


if __name__ == "__main__":
    main()
