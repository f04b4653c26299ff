"""The kinds of values that settings have: each is read as it was meant, or refused with a sentence."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from runtime.addresses import require_file, require_web_address


def _blank_is_unset(value: object) -> object:
    """A value of blanks means "not set", like `NAME=`."""
    return None if isinstance(value, str) and not value.strip() else value


def _off_is_none(value: object) -> object:
    return None if isinstance(value, str) and value.lower() == "off" else value


OptionalText = Annotated[str | None, BeforeValidator(_blank_is_unset)]


def _can_be_sent(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None and re.fullmatch(r"[!-~]{1,1024}", secret.get_secret_value()) is None:
        raise ValueError("must be at most 1024 visible ASCII characters without a space between them")
    return secret


OptionalSecret = Annotated[SecretStr | None, BeforeValidator(_blank_is_unset)]
#: What is sent in a header: a provider's key, a client's token.
OptionalBearer = Annotated[OptionalSecret, AfterValidator(_can_be_sent)]
#: Blank is the default, as everywhere; so it takes a word to have none.
DollarsOrOff = Annotated[
    Annotated[Decimal, Field(gt=0, allow_inf_nan=False)] | None, BeforeValidator(_off_is_none)
]
TextOrOff = Annotated[str | None, BeforeValidator(_off_is_none)]


def _split(value: object) -> object:
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


def like(pattern: str, sentence: str) -> AfterValidator:
    """Text of this form; the sentence explains the form to the operator, who should not have to read a regex."""

    def check(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise ValueError(sentence)
        return value

    return AfterValidator(check)


LogFormat = Literal["json", "console"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
OptionalFile = Annotated[
    Annotated[str, AfterValidator(lambda path: require_file("the file", path))] | None,
    BeforeValidator(_blank_is_unset),
]
HttpUrl = Annotated[
    str,
    like(r"(?is)https?://.+", "must begin with http:// or https://"),
    AfterValidator(require_web_address),
]
OptionalHttpUrl = Annotated[HttpUrl | None, BeforeValidator(_blank_is_unset)]
Origin = Annotated[
    str,
    like(
        r"https?://[a-z0-9.\-]+(:[0-9]{1,5})?",
        "must be origins like https://app.example, separated by commas: no path, no slash at the end",
    ),
    AfterValidator(require_web_address),
]
Origins = Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_split)]
HostName = Annotated[
    str,
    like(
        r"[a-z0-9.\-]+",
        "must be host names like api.internal, in small letters, separated by commas: no http://, no port",
    ),
]
HostNames = Annotated[tuple[HostName, ...], NoDecode, BeforeValidator(_split)]
LightSlots = Annotated[
    tuple[
        Annotated[
            str,
            like(
                r"[a-z-]+(:[a-z-]+)?",
                "must be difficulties and question types, like easy,medium:analogy,odd-word",
            ),
        ],
        ...,
    ],
    NoDecode,
    BeforeValidator(_split),
]
PatternName = Annotated[
    str,
    like(
        r"[a-z][a-z0-9-]{0,40}",
        "must be web-app, all, or names of docs/figures.md like circle,bar-chart, separated by commas",
    ),
]
PatternNames = Annotated[tuple[PatternName, ...], NoDecode, BeforeValidator(_split)]
QuotaFunctionName = Annotated[
    Annotated[
        str,
        like(
            r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*",
            "must name the function's schema, too, in small letters, like public.take_credit",
        ),
    ]
    | None,
    BeforeValidator(_blank_is_unset),
]

Dollars = Annotated[
    Annotated[Decimal, Field(gt=0, allow_inf_nan=False)] | None, BeforeValidator(_blank_is_unset)
]
