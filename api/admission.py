"""Who calls, and whether he calls too often, is settled before anything else of a call is read.

Otherwise a stranger would be told about his JSON, and a flood would be parsed before it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from api.limits import Kind


class AdmittedRoute(APIRoute):
    """A route for known users: sets `request.state.user_id`, or refuses with 401 or 429."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def admitted(request: Request) -> Response:
            door = request.app.state.door
            user_id = await door.keeper.user_of(request.headers)
            request.state.user_id = user_id
            await door.admit(user_id, Kind.CALLS)
            return await handle(request)

        return admitted
