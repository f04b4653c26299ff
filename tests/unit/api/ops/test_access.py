from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.requests import Request

from api.errors import ApiError
from api.ops.access import TokenNeeded, require_operator
from runtime.api_settings import ApiSettings
from runtime.settings import Environment

TOKEN = "an-operator-token-of-32-letters"


def settings(token: str | None = TOKEN, *, production: bool = True) -> ApiSettings:
    """As validated settings are, without the environment of this machine."""
    return ApiSettings.model_construct(
        api_operator_token=None if token is None else SecretStr(token),
        tafawoq_env=Environment.PRODUCTION if production else Environment.DEVELOPMENT,
    )


def call(authorization: str | None = None) -> Request:
    headers = (
        [] if authorization is None else [(b"authorization", authorization.encode("latin-1", "replace"))]
    )
    return Request({"type": "http", "headers": headers})


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize("production", [True, False])
@pytest.mark.parametrize(
    "authorization", [f"Bearer {TOKEN}", f"bearer  {TOKEN} ", basic(f"anybody:{TOKEN}"), basic(f":{TOKEN}")]
)
def test_the_token_opens_the_page_as_bearer_and_as_password(authorization: str, production: bool) -> None:
    require_operator(call(authorization), settings(production=production))


@pytest.mark.parametrize("production", [True, False])
@given(
    st.none()
    | st.text(max_size=200)
    | st.text(max_size=60).map(basic)
    | st.text(max_size=60).map("Bearer {}".format)
)
def test_nothing_else_opens_it(production: bool, authorization: str | None) -> None:
    with pytest.raises(TokenNeeded):
        require_operator(call(authorization), settings(production=production))


@pytest.mark.parametrize("near", [TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "", f"x:{TOKEN}"])
def test_a_near_guess_does_not_open_it(near: str) -> None:
    with pytest.raises(TokenNeeded):
        require_operator(call(f"Bearer {near}"), settings())


def test_without_a_token_development_shows_it_and_production_has_none() -> None:
    require_operator(call(), settings(None, production=False))
    with pytest.raises(ApiError) as refused:
        require_operator(call(f"Bearer {TOKEN}"), settings(None))
    assert refused.value.code == "not_found"
