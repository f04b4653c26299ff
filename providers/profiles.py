"""What each model must be sent, must not be sent, and costs.

The table is `models.json`, so that a new model or a new price is a change of data. A model that is not in
it still works: it is sent nothing that any model refuses, and priced so that a limit errs on the safe side.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date
from enum import StrEnum
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict
from pydantic.dataclasses import dataclass

from providers.numbers import LONGEST_NAME
from providers.prices import PriceTable, Rates


class ThinkingOff(StrEnum):
    """How a request says "do not think". The value is the table's word."""

    OMITTED = "omitted"  #: saying nothing means off
    DISABLED = "disabled"
    BETWEEN_TOOLS = "between_tools"  #: without tools there is nothing to think between
    IMPOSSIBLE = "impossible"  #: the model always decides for itself

    @property
    def request_field(self) -> Mapping[str, str] | None:
        """The `thinking` field of the request, or None when it must be left out."""
        if self in {ThinkingOff.DISABLED, ThinkingOff.BETWEEN_TOOLS}:
            return {"type": self.value}
        return None


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class ModelProfile:
    """One model as its provider describes it."""

    name: str
    thinking_off: ThinkingOff
    efforts: frozenset[str]  #: that go together with thinking switched off; empty: never send one
    cache_minimum_tokens: int  #: a shorter prefix is silently not cached
    max_output_tokens: int
    prices: PriceTable
    deprecated_on: date | None = None
    retires_on: date | None = None
    not_retired_before: date | None = None
    known: bool = True  #: False: these are safe guesses, and the operator should know
    price_is_known: bool = True  #: False: booked at a ceiling, and the ledger says "estimated"


def profile_of(model: str) -> ModelProfile:
    """The profile of a model by any of its names: bare, dated, or as OpenRouter writes it.

    An unknown model gets a profile with `known=False`: neither thinking nor effort is sent. It has its own list
    price where the table has one; else each kind of token costs as much as with the model where it is dearest.
    """
    return _profiles().get(_bare(model)) or _guess(model)


def known_profiles() -> tuple[ModelProfile, ...]:
    """Every profile of the table, in its order."""
    return tuple(_profiles().values())


_VERSION_FIRST = re.compile(r"claude-(?P<version>\d+(?:-\d)?)-(?P<line>[a-z]+)")
#: What gateways and clouds write behind a name: `:beta`, `[1m]`, `@20250929`; then `-v1`; then `-20250929`, `-latest`.
_VARIANT = re.compile(r"[:@\[]")
_REVISION = re.compile(r"-v\d{1,2}$")
_DATE = re.compile(r"-(?:\d{8}|latest)$")


def _bare(model: str) -> str:
    """`anthropic/claude-4.5-sonnet-20250929` and its kin as the bare name `claude-sonnet-4-5`."""
    before, claude, rest = model[:LONGEST_NAME].lower().replace(".", "-").partition("claude-")
    if not claude:
        return before
    name = claude + _VARIANT.split(rest, maxsplit=1)[0]
    name = _DATE.sub("", _REVISION.sub("", name))
    if swapped := _VERSION_FIRST.fullmatch(name):
        return f"claude-{swapped['line']}-{swapped['version']}"
    return name


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class OtherPrice:
    """The list price of a model that may answer, and that we would not know how to ask."""

    name: str
    rates: Rates
    assumed: bool = False  #: no list price could be read; these are its line's dearest


class _Table(BaseModel):
    models: list[ModelProfile]
    other_prices: list[OtherPrice]


@cache
def _table() -> _Table:
    text = resources.files("providers").joinpath("models.json").read_text(encoding="utf-8")
    return _Table.model_validate_json(text)


@cache
def _profiles() -> Mapping[str, ModelProfile]:
    return {profile.name: profile for profile in _table().models}


def known_prices() -> tuple[PriceTable, ...]:
    """Every price of the table."""
    table = _table()
    return (*(each.prices for each in table.models), *(PriceTable(each.rates) for each in table.other_prices))


def _guess(model: str) -> ModelProfile:
    known = known_profiles()
    priced = next((each for each in _table().other_prices if each.name == _bare(model)), None)
    return ModelProfile(
        name=model,
        thinking_off=ThinkingOff.OMITTED,
        efforts=frozenset(),
        cache_minimum_tokens=max(profile.cache_minimum_tokens for profile in known),
        max_output_tokens=min(profile.max_output_tokens for profile in known),
        prices=PriceTable(priced.rates if priced else _dearest(known_prices())),
        known=False,
        price_is_known=priced is not None and not priced.assumed,
    )


def _dearest(tables: Sequence[PriceTable]) -> Rates:
    """The dearest rate of each kind: no one model need be the dearest in all."""
    rates = [table.rates for table in tables]
    rates += [table.long_prompt.rates for table in tables if table.long_prompt is not None]
    return Rates(**{kind.name: max(getattr(each, kind.name) for each in rates) for kind in fields(Rates)})
