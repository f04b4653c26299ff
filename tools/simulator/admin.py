"""Routes by which another process injects faults, changes the configuration and reads the bill."""

from __future__ import annotations

from typing import Any

from tools.simulator.errors import bad_request
from tools.simulator.faults import read_faults
from tools.simulator.http_server import Connection, Request, Response
from tools.simulator.json_text import decode
from tools.simulator.state import State


async def health(state: State, _request: Request, _connection: Connection) -> Response:
    return Response.of_json(
        {"status": "ok", "open_streams": state.open_streams, "peak_streams": state.peak_streams}
    )


async def bill(state: State, request: Request, _connection: Connection) -> Response:
    """Totals, and every entry unless `?entries=0`."""
    return Response.of_json(state.bill.to_json(entries=request.query.get("entries") != "0"))


async def requests(state: State, request: Request, _connection: Connection) -> Response:
    """The latest requests, with their bodies on `?bodies=1`."""
    bodies = request.query.get("bodies") == "1"
    return Response.of_json({"requests": [seen.to_json(bodies=bodies) for seen in state.requests]})


async def show_faults(state: State, _request: Request, _connection: Connection) -> Response:
    return Response.of_json({"faults": state.faults.to_json()})


async def set_faults(state: State, request: Request, _connection: Connection) -> Response:
    """A list replaces the rules in force; `{"add": [...]}` keeps them."""
    value = _body(request)
    added = value.get("add") if isinstance(value, dict) else None
    wanted = value.get("faults") if isinstance(value, dict) else value
    try:
        rules = read_faults(added if added is not None else wanted or [])
    except (TypeError, ValueError) as error:
        raise bad_request(str(error)) from error
    if added is None:
        state.faults.faults.clear()
    state.faults.faults.extend(rules)
    return Response.of_json({"faults": state.faults.to_json()})


async def show_config(state: State, _request: Request, _connection: Connection) -> Response:
    return Response.of_json(state.config.to_json())


async def set_config(state: State, request: Request, _connection: Connection) -> Response:
    try:
        state.config.update(dict(_body(request)))
    except (TypeError, ValueError) as error:
        raise bad_request(str(error)) from error
    return Response.of_json(state.config.to_json())


async def reset(state: State, _request: Request, _connection: Connection) -> Response:
    state.reset()
    return Response.of_json({"status": "ok"})


def _body(request: Request) -> Any:
    try:
        return decode(request.body or b"{}")
    except ValueError as error:
        raise bad_request("The request body is not valid JSON") from error
