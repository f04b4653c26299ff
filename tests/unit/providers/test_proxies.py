"""The variables for proxies and certificates, where they are wrong."""

from __future__ import annotations

import asyncio
import os

import pytest

from providers.client import Line, make_client
from runtime.jwks import KeySetUnavailable, fetch_key_set
from runtime.settings import SettingsError

FAR = "https://models.example"
NEAR = (
    "http://127.0.0.1:9",
    "http://localhost:9",
    "http://[::1]:9",
    "http://simulator:8100",
    "https://127.0.0.2:9",
)
SECRET = "hunter2"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def client(url: str) -> None:
    made = make_client(Line(url, connect_timeout_s=1, read_timeout_s=1, max_connections=1), api_key=SECRET)
    made.close()


WRONG = [
    ("ALL_PROXY", f"socks5://u:{SECRET}@h:1080"),
    ("all_proxy", f"socks5h://u:{SECRET}@h:1080"),
    ("HTTPS_PROXY", f"ftp://u:{SECRET}@h"),
    ("HTTPS_PROXY", f"http://u:{SECRET}@h:port"),
    ("SSL_CERT_FILE", "/no/such.pem"),
]


@pytest.mark.parametrize(("variable", "value"), WRONG)
def test_a_wrong_variable_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError) as refused:
        client(FAR)
    with pytest.raises(KeySetUnavailable) as unavailable:
        asyncio.run(fetch_key_set(f"{FAR}/keys"))

    assert str(refused.value).startswith(variable)
    assert str(unavailable.value).startswith(variable)
    assert SECRET not in f"{refused.value}{unavailable.value}"


@pytest.mark.parametrize(("variable", "value"), WRONG)
@pytest.mark.parametrize("url", NEAR)
def test_a_near_server_needs_none_of_them(
    monkeypatch: pytest.MonkeyPatch, url: str, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    client(url)


@pytest.mark.parametrize(
    "exceptions",
    [
        *("::1/128", "localhost,127.0.0.0/8,::1/128", "[::1]", "::1,[::1]", "fe80::/10,.local", "a:80"),
        *(
            "a b:c",
            "localhost:abc",
            "\u200b,,,",
            "xn--\u00fc",
            "[x",
            "http://x",
            ".,..,*.*",
            "10.0.0.0/8 , b",
        ),
    ],
)
def test_exceptions_that_the_sdk_cannot_read_are_left_out(
    monkeypatch: pytest.MonkeyPatch, exceptions: str
) -> None:
    monkeypatch.setenv("NO_PROXY", exceptions)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")

    client(FAR)

    assert os.environ["NO_PROXY"] == exceptions
