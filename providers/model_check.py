"""The check at start: does the model exist, how long yet, and do we know how to talk to it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import anthropic
import httpx2
from pydantic import BaseModel

from providers.client import CALL_FAILURES, line_to, make_client
from providers.messages_client import MessagesClient
from providers.profiles import ModelProfile, ThinkingOff
from runtime.settings import ClaudeSettings, OpenRouterSettings

#: What the sentences recommend; the second one for the settings whose models are cheap.
_CURRENT_MODEL = "claude-sonnet-5-5"
_CHEAP_MODELS = {"SOLVER_MODEL": "claude-haiku-5-5", "LIGHT_MODEL": "claude-haiku-5-5"}

#: Is in every answer of the simulator. Not `server`, which many a proxy replaces.
_SIMULATOR_HEADER = "x-tafawoq-simulator"

#: A start must not hang on a question that need not be answered.
_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """What the person that starts a process with this model must know."""

    stop: str | None = None  #: why it must not start
    warnings: tuple[str, ...] = ()
    lifecycle: str | None = None  #: active, deprecated or retired; None when the Models API did not say
    retires_on: date | None = None  #: announced
    is_simulator: bool | None = None  #: whether the simulator answered; None: nobody did


def check_model(provider: MessagesClient, setting: str = "CLAUDE_MODEL") -> ModelCheck:
    """Ask the Models API about the provider's model, which `setting` names, once at start; takes seconds at most.

    Stops for a model that is retired or unknown there, for a key that is not accepted, and for a model that
    would refuse how we switch its thinking off. An API that cannot be asked stops nothing: the table's own
    dates still warn.
    """
    model, profile = provider.model, provider.profile
    try:
        answer = provider.client.models.with_raw_response.retrieve(model, timeout=_TIMEOUT_S)
        info = answer.parse()
    except anthropic.AuthenticationError:
        return ModelCheck(stop="ANTHROPIC_API_KEY is not accepted. Set a valid key.")
    except CALL_FAILURES as err:
        # A gateway may have no Models API, and answers 404 as well.
        if isinstance(err, anthropic.NotFoundError) and err.type == "not_found_error":
            return ModelCheck(
                stop=f"{setting}={model} does not exist, or is retired. {_use_current(setting)}"
            )
        return ModelCheck(
            warnings=(f"The Models API could not be asked about {model}.", *_table_warnings(profile, setting))
        )
    return replace(_judge(info, profile, setting), is_simulator=is_simulator(answer.headers))


def is_simulator(headers: Mapping[str, str]) -> bool:
    """Whether these are of an answer that the simulator gave."""
    return _SIMULATOR_HEADER in headers


def _judge(info: Any, profile: ModelProfile, setting: str) -> ModelCheck:
    lifecycle = getattr(info, "lifecycle", None)
    if lifecycle == "retired":
        return ModelCheck(
            stop=f"{setting}={profile.name} is retired. {_use_current(setting)}", lifecycle=lifecycle
        )
    if _refuses_our_thinking_off(info, profile):
        return ModelCheck(
            stop=f"{profile.name} refuses thinking `{profile.thinking_off}`, which providers/models.json says "
            f"it accepts. Correct the table, or use another {setting}.",
            lifecycle=lifecycle,
        )
    if lifecycle == "deprecated":
        retires_on = _day(getattr(info, "retires_at", None)) or profile.retires_on
        warnings = (_deprecated(profile.name, retires_on, setting), *_unknown(profile))
        return ModelCheck(warnings=warnings, lifecycle=lifecycle, retires_on=retires_on)
    return ModelCheck(
        warnings=tuple(_table_warnings(profile, setting)), lifecycle=lifecycle, retires_on=profile.retires_on
    )


def _table_warnings(profile: ModelProfile, setting: str) -> Iterator[str]:
    if profile.deprecated_on is not None:
        yield _deprecated(profile.name, profile.retires_on, setting)
    yield from _unknown(profile)


def _unknown(profile: ModelProfile) -> Iterator[str]:
    if not profile.known:
        cost = "" if profile.price_is_known else ", and its cost is counted at the dearest known prices"
        yield (
            f"{profile.name} is not in providers/models.json: its thinking is not switched off, so the first "
            f"question may come late{cost}. Add it there."
        )


def _deprecated(model: str, retires_on: date | None, setting: str) -> str:
    when = f"is retired on {retires_on.isoformat()}" if retires_on else "will be retired"
    return f"{setting}={model} {when}; every call fails from then on. {_use_current(setting)}"


def _use_current(setting: str) -> str:
    return f"Set {setting}={_CHEAP_MODELS.get(setting, _CURRENT_MODEL)}."


def _refuses_our_thinking_off(info: Any, profile: ModelProfile) -> bool:
    """Whether the catalogue says that our way to switch thinking off is a 400. Silence is consent."""
    if profile.thinking_off not in {ThinkingOff.DISABLED, ThinkingOff.BETWEEN_TOOLS}:
        return False
    types = getattr(getattr(getattr(info, "capabilities", None), "thinking", None), "types", None)
    support = getattr(types, profile.thinking_off.value, None)
    return getattr(support, "supported", None) is False


def _day(moment: Any) -> date | None:
    return moment.date() if isinstance(moment, datetime) else None


class _Key(BaseModel):
    limit_remaining: float | None = None  #: dollars; None: no limit


class _Answer(BaseModel):
    data: _Key


def check_openrouter_key(settings: OpenRouterSettings, claude: ClaudeSettings) -> ModelCheck | None:
    """Whether the key is accepted and has credit left; None without a key. Takes seconds at most, and costs nothing."""
    if settings.openrouter_api_key is None:
        return None
    token = settings.openrouter_api_key.get_secret_value()
    with closing(make_client(line_to(settings.openrouter_base_url, claude), auth_token=token)) as client:
        try:
            answer = client.get("/v1/key", cast_to=httpx2.Response, options={"timeout": _TIMEOUT_S})
            remaining = _Answer.model_validate_json(answer.content).data.limit_remaining
        except (anthropic.AuthenticationError, anthropic.PermissionDeniedError):
            return ModelCheck(stop="OPENROUTER_API_KEY is not accepted. Set a valid key.")
        except CALL_FAILURES:
            return ModelCheck(warnings=("OpenRouter could not be asked about the key.",))
    if remaining is not None and remaining <= 0:
        return ModelCheck(stop="OPENROUTER_API_KEY has spent its limit. Raise it, or top up.")
    return ModelCheck(is_simulator=is_simulator(answer.headers))
