"""The routes of the simulator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tools.simulator import admin, batches, messages, models, openrouter, statements
from tools.simulator.config import SimulatorConfig
from tools.simulator.errors import ApiError
from tools.simulator.http_server import Connection, Listener, Request, Response
from tools.simulator.state import State

Route = Callable[[State, Request, Connection], Awaitable[Response | None]]

EXACT: dict[tuple[str, str], Route] = {
    ("POST", "/v1/messages"): messages.anthropic_messages,
    ("POST", "/v1/messages/count_tokens"): models.count_tokens,
    ("GET", "/v1/models"): models.list_models,
    ("POST", "/v1/messages/batches"): batches.create,
    ("GET", "/v1/organizations/usage_report/messages"): statements.usage_report,
    ("POST", "/api/v1/messages"): messages.openrouter_messages,
    ("GET", "/api/v1/key"): openrouter.key,
    ("GET", "/api/v1/models"): openrouter.list_models,
    ("GET", "/api/v1/generation"): openrouter.generation,
    ("GET", "/api/v1/activity"): statements.activity,
    ("GET", "/_simulator/health"): admin.health,
    ("GET", "/_simulator/bill"): admin.bill,
    ("GET", "/_simulator/requests"): admin.requests,
    ("GET", "/_simulator/faults"): admin.show_faults,
    ("POST", "/_simulator/faults"): admin.set_faults,
    ("GET", "/_simulator/config"): admin.show_config,
    ("POST", "/_simulator/config"): admin.set_config,
    ("POST", "/_simulator/reset"): admin.reset,
}

UNDER: tuple[tuple[str, str, Route], ...] = (
    ("GET", "/v1/models/", models.one_model),
    ("GET", "/v1/messages/batches/", batches.show),
    ("POST", "/v1/messages/batches/", batches.cancel),
)


class Simulator:
    """A simulator without a socket: its state, and the handler that answers requests."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.state = State(config)

    async def handle(self, request: Request, connection: Connection) -> Response | None:
        try:
            route = _find(request)
            return await route(self.state, request, connection)
        except ApiError as error:
            request_id = self.state.next_id("req")
            headers = {"request-id": request_id, **error.headers()}
            body = error.body(request_id, openrouter=request.path.startswith("/api/"))
            return Response.of_json(body, status=error.status, headers=headers)

    async def listen(self, host: str, port: int) -> Listener:
        """Open the port; 0 is any free one. Raises OSError when it is taken."""
        listener = Listener(self.handle)
        await listener.open(host, port)
        return listener


def create_app(config: SimulatorConfig | None = None) -> Simulator:
    return Simulator(config or SimulatorConfig())


def _find(request: Request) -> Route:
    exact = EXACT.get((request.method, request.path))
    if exact is not None:
        return exact
    for method, prefix, route in UNDER:
        if request.method == method and request.path.startswith(prefix):
            return route
    raise ApiError(404, f"There is no {request.method} {request.path}")
