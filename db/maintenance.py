"""The maintenance switch: while it is on, no session is created, and those in progress go on.

It is the web app's own: the row `maintenance_mode` of its table `feature_toggles`, where there is one.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection

from db.errors import Maintenance
from db.web_app_columns import read_web_app

_TABLE, _KEY, _NAME = "feature_toggles", "feature_name", "maintenance_mode"

#: What an administrator writes for students; a note in another script is not for them.
_ARABIC = re.compile("[ء-ي]")
_LONGEST_SENTENCE = 300


class MaintenanceSwitch:
    """`on`: refuse new sessions whatever the web app's table says."""

    def __init__(self, *, on: bool = False) -> None:
        self._on = on

    def check(self, connection: Connection) -> None:
        """Raise Maintenance while the switch is on, with the sentence that an administrator wrote, if any."""
        if self._on or read_web_app(connection, _TABLE, "is_enabled", _KEY, _NAME) is True:
            raise Maintenance(_sentence(connection))


def _sentence(connection: Connection) -> str | None:
    written = read_web_app(connection, _TABLE, "description", _KEY, _NAME)
    if not isinstance(written, str) or _ARABIC.search(written) is None:
        return None
    return written.strip()[:_LONGEST_SENTENCE]
