"""The Models API and token counting."""

from __future__ import annotations

from tools.simulator import rules
from tools.simulator.admission import read_body
from tools.simulator.catalogue import callable_model, catalogue, find_model
from tools.simulator.errors import ApiError
from tools.simulator.http_server import Connection, Request, Response
from tools.simulator.prefix_cache import prefix_of
from tools.simulator.state import State


async def list_models(state: State, request: Request, _connection: Connection) -> Response:
    """Active and deprecated models; retired ones only when asked for by lifecycle."""
    rules.check_key(request.headers, refused=state.config.refused_key)
    day = state.config.current_day()
    wanted = request.query.get("lifecycle[]") or request.query.get("lifecycle")
    lifecycles = {wanted} if wanted else {"active", "deprecated"}
    infos = [model.info(day) for model in catalogue().values() if model.lifecycle(day) in lifecycles]
    return Response.of_json(
        {
            "data": infos,
            "has_more": False,
            "first_id": infos[0]["id"] if infos else None,
            "last_id": infos[-1]["id"] if infos else None,
        },
        headers={"request-id": state.next_id("req")},
    )


async def one_model(state: State, request: Request, _connection: Connection) -> Response:
    rules.check_key(request.headers, refused=state.config.refused_key)
    name = request.path.removeprefix("/v1/models/")
    profile = find_model(name)
    if profile is None:
        raise ApiError(404, f"model: {name}")
    info = profile.info(state.config.current_day())
    return Response.of_json(info, headers={"request-id": state.next_id("req")})


async def count_tokens(state: State, request: Request, _connection: Connection) -> Response:
    """Free; the same rules, minus max_tokens."""
    rules.check_key(request.headers, refused=state.config.refused_key)
    body = read_body(request)
    version = rules.check_version(request.headers.get("anthropic-version"))
    rules.check_fields(body, version)
    profile = callable_model(body["model"], state.config.current_day())
    rules.check_request({"max_tokens": 1, **body}, profile, version)
    blocks = prefix_of(body, profile)
    tokens = blocks[-1].tokens if blocks else 0
    return Response.of_json({"input_tokens": tokens}, headers={"request-id": state.next_id("req")})
