"""What schemathesis cannot know: that valid data may be refused for the sake of the session it is sent to.

Its own check of valid data holds, except for the two refusals that depend on what was sent before.
"""

from __future__ import annotations

from typing import Any

import schemathesis
from schemathesis.specs.openapi.checks import positive_data_acceptance

_OF_THE_STATE = frozenset({"invalid_batch_index", "idempotency_key_reused"})
_REFUSALS = frozenset({400, 422})


@schemathesis.check
def valid_data_is_accepted_where_the_session_allows_it(ctx: Any, response: Any, case: Any) -> bool | None:
    if response.status_code in _REFUSALS and response.json()["code"] in _OF_THE_STATE:
        return None
    return bool(positive_data_acceptance(ctx, response, case))
