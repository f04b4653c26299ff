"""The providers' own account of what each day cost: what the ledger is corrected by.

A call that broke off before its reply began, or whose worker was killed, has a cost that only the provider
knows. Both providers tell it by day and model, to a key that can read bills and call no model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, TypeVar

import anthropic
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from generation.model_call import Usage
from generation.reconcile import DayCost
from providers import claude, openrouter
from providers.client import CALL_FAILURES, line_to, make_client
from providers.profiles import profile_of
from runtime.settings import BillingReportSettings, ClaudeSettings, OpenRouterSettings

#: Days since..until (exclusive) of UTC to their costs. Raises BillingReportError.
Statement = Callable[[date, date], list[DayCost]]

_DAYS_A_PAGE = 31
_MOST_PAGES = 1_000  #: of one question; a statement may say for ever that it has more

_Shape = TypeVar("_Shape", bound=BaseModel)


class BillingReportError(Exception):
    """A provider did not say what it billed; the message says what to do."""


@contextmanager
def reading_billing_reports(
    settings: BillingReportSettings, claude_settings: ClaudeSettings, openrouter_settings: OpenRouterSettings
) -> Iterator[dict[str, Statement]]:
    """The statements that there is a key for, by the provider's name."""
    statements: dict[str, Statement] = {}
    with ExitStack() as open_clients:
        if settings.anthropic_admin_key is not None:
            key = settings.anthropic_admin_key.get_secret_value()
            client = make_client(line_to(claude_settings.address, claude_settings), api_key=key)
            statements[claude.NAME] = _ClaudeStatement(
                open_clients.enter_context(client), settings.anthropic_key_id
            )
        if settings.openrouter_management_key is not None:
            token = settings.openrouter_management_key.get_secret_value()
            line = line_to(openrouter_settings.openrouter_base_url, claude_settings)
            client = make_client(line, auth_token=token)
            statements[openrouter.NAME] = _OpenRouterStatement(open_clients.enter_context(client))
        yield statements


class _CacheCreation(BaseModel):
    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0


class _ClaudeDay(BaseModel):
    model_config = ConfigDict(protected_namespaces=())

    model: str
    uncached_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation: _CacheCreation = _CacheCreation()
    output_tokens: int = 0

    @property
    def usage(self) -> Usage:
        return Usage(
            input=self.uncached_input_tokens,
            output=self.output_tokens,
            cache_read=self.cache_read_input_tokens,
            cache_write_5m=self.cache_creation.ephemeral_5m_input_tokens,
            cache_write_1h=self.cache_creation.ephemeral_1h_input_tokens,
        )


class _ClaudeBucket(BaseModel):
    starting_at: datetime
    results: list[_ClaudeDay]


class _ClaudePage(BaseModel):
    data: list[_ClaudeBucket]
    has_more: bool = False
    next_page: str | None = None


class _ClaudeStatement:
    """Claude's usage report by day and model, at list prices. Minutes old at most."""

    def __init__(self, client: anthropic.Anthropic, key_id: str | None) -> None:
        self._client = client
        self._key_id = key_id

    def __call__(self, since: date, until: date) -> list[DayCost]:
        return [
            _claude_cost(bucket.starting_at, used)
            for page in self._pages(since, until)
            for bucket in page.data
            for used in bucket.results
        ]

    def _pages(self, since: date, until: date) -> Iterator[_ClaudePage]:
        query = {
            "starting_at": _midnight(since),
            "ending_at": _midnight(until),
            "bucket_width": "1d",
            "group_by[]": "model",
            "limit": str(_DAYS_A_PAGE),
        }
        if self._key_id is not None:
            query["api_key_ids[]"] = self._key_id
        for _ in range(_MOST_PAGES):
            found = _get(
                self._client, "/v1/organizations/usage_report/messages", query, "ANTHROPIC_ADMIN_KEY"
            )
            page = _read(_ClaudePage, found)
            yield page
            if not page.has_more:
                return
            if page.next_page is None:
                raise BillingReportError("The statement has more and does not say where. Try again later.")
            query["page"] = page.next_page
        raise BillingReportError(f"The statement has more than {_MOST_PAGES} pages. Ask for fewer days.")


def _claude_cost(starting_at: datetime, used: _ClaudeDay) -> DayCost:
    # The rates of long prompts are left out: the report adds up calls, and none of ours is near that length.
    profile = profile_of(used.model)
    cost = profile.prices.rates.cost(used.usage)
    return DayCost(starting_at.astimezone(UTC).date(), claude.NAME, profile.name, cost)


class _OpenRouterDay(BaseModel):
    day: date = Field(alias="date")
    model: str
    usage: Decimal  #: dollars


class _OpenRouterActivity(BaseModel):
    data: list[_OpenRouterDay]


class _OpenRouterStatement:
    """OpenRouter's activity: the last 30 whole days."""

    def __init__(self, client: anthropic.Anthropic) -> None:
        self._client = client

    def __call__(self, since: date, until: date) -> list[DayCost]:
        found = _get(self._client, "/v1/activity", {}, "OPENROUTER_MANAGEMENT_KEY")
        return [
            DayCost(used.day, openrouter.NAME, profile_of(used.model).name, used.usage * 1_000_000)
            for used in _read(_OpenRouterActivity, found).data
            if since <= used.day < until
        ]


def _get(client: anthropic.Anthropic, path: str, query: dict[str, str], key: str) -> Any:
    try:
        return client.get(path, cast_to=object, options={"params": query})
    except (anthropic.AuthenticationError, anthropic.PermissionDeniedError) as err:
        raise BillingReportError(f"{key} is not accepted for {path}: set a key that may read bills.") from err
    except CALL_FAILURES as err:
        raise BillingReportError(f"{path} did not answer ({type(err).__name__}). Try again later.") from err


def _read(shape: type[_Shape], found: Any) -> _Shape:
    try:
        return shape.model_validate(found)
    except ValidationError as err:
        raise BillingReportError(
            f"The statement has another shape than we know ({err.error_count()} fields): "
            "compare providers/billing_reports.py with the provider's documentation."
        ) from err


def _midnight(day: date) -> str:
    return datetime.combine(day, time(), UTC).isoformat().replace("+00:00", "Z")
