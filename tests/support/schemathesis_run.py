"""`python -m tests.support.schemathesis_run URL TOKEN [options]`: try to break a running API.

Reads its OpenAPI description and runs every check of schemathesis in every phase, as a server that acts for
one user. Event streams never end, so they are left to tests of their own; so is the page of metrics, which
is no JSON.
"""

from __future__ import annotations

import os
import sys

_NOT_TRIED = r"_follow$|_metrics$"
_USER = "00000000-0000-4000-8000-00000000000a"


def main(url: str, token: str, *options: str) -> None:
    """Become schemathesis; its exit code is 0 when it found nothing."""
    os.environ["SCHEMATHESIS_HOOKS"] = "tests.support.schemathesis_hooks"
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"),
        *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),  # replaced by the hooks' own
        *("--exclude-operation-id-regex", _NOT_TRIED, "--warnings", "off"),
        *("--header", f"Authorization: Bearer {token}", "--header", f"X-User-Id: {_USER}"),
        *options,
    ]
    os.execv(sys.executable, command)


if __name__ == "__main__":
    main(*sys.argv[1:])
