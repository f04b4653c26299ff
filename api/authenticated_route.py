"""Authentication and the rate limit come before anything else of a call is read.

Otherwise a stranger would learn what is wrong with their JSON, and a flood would be parsed before it is rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.types import Scope

from api.context import AppContext
from api.errors import ApiError
from api.rate_limits import Kind

#: Of two, a proxy before us may have meant the one and we would read the other.
_ONCE = ("authorization", "x-user-id")


async def authenticate(context: AppContext, scope: Scope) -> UUID:
    """The user this call acts for. Counts the call once, however often this function is called for it.

    Raises ApiError with 401 or 429; the caller must answer with it and must not ask again.
    """
    state = scope["state"]
    if "user_id" not in state:
        headers = Headers(scope=scope)
        if any(len(headers.getlist(name)) > 1 for name in _ONCE):
            raise ApiError("unauthorized")
        state["user_id"] = await context.authenticator.user_of(headers)
        await context.check_rate(state["user_id"], Kind.CALLS)
    user_id: UUID = state["user_id"]
    return user_id


class AuthenticatedRoute(APIRoute):
    """A route for known users: sets `request.state.user_id`, or answers 401 or 429."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def authenticated(request: Request) -> Response:
            await authenticate(request.app.state.context, request.scope)
            return await handle(request)

        return authenticated
