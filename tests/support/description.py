"""`python -m tests.support.description`: the OpenAPI description of the API, which the client is made from."""

from __future__ import annotations

import json
from typing import Any, cast

from api.app import create_app
from runtime.api_settings import ApiSettings
from runtime.settings import Environment, PlanSettings


def description() -> dict[str, Any]:
    """As the API serves it; no store is needed, because nobody calls."""
    unused = cast("Any", None)
    app = create_app(
        ApiSettings(tafawoq_env=Environment.DEVELOPMENT),
        PlanSettings(),
        session_store=unused,
        batch_store=unused,
        event_log=unused,
        report_store=unused,
        enqueue=unused,
        queue_stats=unused,
        database_threads=1,
    )
    return app.openapi()


if __name__ == "__main__":
    print(json.dumps(description(), ensure_ascii=False, indent=2))
