"""Values as people paste them: with invisible characters, the page's quotes, a command around, or another's key."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.addresses import AddressError
from runtime.api_settings import ApiSettings
from runtime.database_address import DatabaseAddress
from runtime.redis_address import RedisAddress
from runtime.settings import (
    MOST,
    ClaudeSettings,
    DatabaseSettings,
    LeaseSettings,
    RedisSettings,
    SettingsError,
    SettingsSlice,
    load,
)

AROUND = (
    "\u200b{}",
    "{}\u200b",
    "\u200f{}\u200f",
    "\u202b{}\u202c",
    "\u2068{}\u2069",
    "\u00a0{}",
    "\u201c{}\u201d",
    "\u2018{}\u2019",
    "\u00ab{}\u00bb",
    "\"'{}'\"",
    '\ufeff"{}\u200b"\r\n',
)


@pytest.fixture(autouse=True)
def development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAFAWOQ_ENV", "development")


@pytest.mark.parametrize("around", AROUND)
def test_what_a_page_puts_around_a_value_is_no_part_of_it(
    around: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {
        "DATABASE_URL": "postgresql://u:p@h:5/d",
        "REDIS_URL": "redis://u:p@h:5/1",
        "SUPABASE_JWT_SECRET": "s" * 40,
        "SUPABASE_JWT_AUDIENCE": "authenticated",
        "API_HOST": "127.0.0.1",
        "API_PORT": "8001",
        "LOG_LEVEL": "ERROR",
        "CLAUDE_MODEL": "claude-x",
        "CLAUDE_BASE_URL": "http://127.0.0.1:9",
        "API_CORS_ORIGINS": "https://app.example",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, around.format(value))

    api, claude = load(ApiSettings), load(ClaudeSettings)
    assert load(DatabaseSettings).libpq_url == given["DATABASE_URL"]
    assert load(RedisSettings).redis_address.url == given["REDIS_URL"]
    assert api.supabase_jwt_secret is not None
    assert api.supabase_jwt_secret.get_secret_value() == given["SUPABASE_JWT_SECRET"]
    assert (api.supabase_jwt_audience, api.api_host, api.api_port, api.log_level, api.api_cors_origins) == (
        "authenticated",
        "127.0.0.1",
        8001,
        "ERROR",
        ("https://app.example",),
    )
    assert (claude.claude_model, claude.claude_base_url) == ("claude-x", "http://127.0.0.1:9")


@pytest.mark.parametrize("blank", ["", "  ", "''", '" "', "\u200b", "\u201c\u201d", "\r\n"])
def test_a_value_of_blanks_is_as_if_it_were_not_set(blank: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "API_PORT", "API_SERVICE_TOKEN", "SUPABASE_JWT_AUDIENCE", "LOG_LEVEL"):
        monkeypatch.setenv(name, blank)

    api = load(ApiSettings)
    assert (api.api_port, api.api_service_token, api.supabase_jwt_audience) == (8000, None, "authenticated")
    with pytest.raises(SettingsError, match="DATABASE_URL is not set"):
        load(DatabaseSettings)


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("psql 'postgresql://u:hunter2@h/d'", "the address alone"),
        ("export DATABASE_URL=postgresql://u:hunter2@h/d", "the address alone"),
        ("host=h user=u password=hunter2", "the address alone"),
        ("DATABASE_URL=postgresql://u:hunter2@h/d", "must be like"),
        ("postgresql://u:hun\u200bter2@h/d", "invisible"),
        ("postgresql://u:hunter2@h\u200f/d", "invisible"),
        ("postgresql://u:hunter2@[fe80::1%25eth0]/d", "zone"),
        ("postgresql://u:********@h/d", "placeholder"),
        ("postgresql://u:$PGPASSWORD@h/d", "placeholder"),
        ("postgresql://u:YOUR-PASSWORD@h/d", "placeholder"),
        ("postgresql://u:your_password@h/d", "placeholder"),
    ],
)
def test_a_pasted_database_address_that_cannot_be_right_is_refused_by_its_part(
    address: str, part: str
) -> None:
    with pytest.raises(AddressError, match=part) as refused:
        DatabaseAddress.of(address)

    assert "hunter2" not in str(refused.value)


def test_an_address_that_is_read_once_can_be_read_again() -> None:
    """Settings keep the address as text; an IPv6 zone was readable once and a traceback the second time."""
    for host in ("[::1]", "[::ffff:127.0.0.1]", "db", "%2Frun%2Fpostgresql"):
        once = DatabaseAddress.of(f"postgresql://u:p%2525@{host}/d")
        assert DatabaseAddress.of(once.url("postgresql")) == once


@pytest.mark.parametrize("path", ["/d/", "//d", "//d//"])
def test_slashes_around_the_path_mean_nothing(path: str) -> None:
    assert DatabaseAddress.of(f"postgresql://u:p@h{path}").database == "d"
    assert RedisAddress.of(f"redis://h{path.replace('d', '3')}").database == 3


@pytest.mark.parametrize(
    "url",
    [
        "https://[::1",
        "https://host.example:port/x",
        "https://host.example:0/",
        "https://host.example:99999/",
        "https:// host.example",
        "https://ho st.example",
        "https://host.example/\u200b/x",
        "https:///keys",
        "https://:443/keys",
    ],
)
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (ApiSettings, "SUPABASE_JWKS_URL"),
        (ApiSettings, "FLOWER_URL"),
        (ClaudeSettings, "CLAUDE_BASE_URL"),
        (ClaudeSettings, "SIMULATOR_URL"),
    ],
)
def test_a_web_address_that_no_client_can_read_stops_the_start(
    url: str, kind: type[SettingsSlice], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, url)

    with pytest.raises(SettingsError, match=f"^{name} is not usable: it has "):
        load(kind)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (ApiSettings, "API_HEARTBEAT_S"),
        (RedisSettings, "REDIS_SOCKET_TIMEOUT_S"),
        (LeaseSettings, "LEASE_TTL_S"),
        (DatabaseSettings, "DATABASE_STATEMENT_TIMEOUT_MS"),
    ],
)
@pytest.mark.parametrize("number", ["inf", "nan", "1e300", "2147483648", "9" * 400])
def test_no_number_is_endless(
    kind: type[SettingsSlice], name: str, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@h/d")
    monkeypatch.setenv("REDIS_URL", "redis://h")
    monkeypatch.setenv(name, number)

    with pytest.raises(SettingsError, match=name):
        load(kind)


def test_the_greatest_number_is_one_that_postgres_takes() -> None:
    assert MOST == 2**31 - 1


@pytest.mark.parametrize("name", ["SUPABASE_JWT_SECRET", "API_SERVICE_TOKEN"])
@pytest.mark.parametrize(
    "published",
    [
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYW5vbiJ9.c2lnbmF0dXJl",
        "sb_publishable_0123456789abcdef0123456789abcdef",
        "-----BEGIN_PUBLIC_KEY-----MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
        '{"kty":"EC","crv":"P-256","x":"0123456789","y":"0123456789"}',
    ],
)
def test_a_key_that_others_have_is_no_secret(
    name: str, published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the web app's anon key as the secret, everybody could sign a token of any student."""
    monkeypatch.setenv(name, published)

    with pytest.raises(SettingsError, match=name) as refused:
        load(ApiSettings)

    assert published not in str(refused.value)


@pytest.mark.parametrize("end", ["", "/", "//"])
def test_a_slash_after_the_keys_address_does_not_switch_off_the_check_of_the_issuer(end: str) -> None:
    settings = ApiSettings(supabase_jwks_url=f"https://p.example/auth/v1/.well-known/jwks.json{end}")

    assert settings.issuer == "https://p.example/auth/v1"


@pytest.mark.parametrize("word", ["off", "Off", "OFF", " off\n"])
def test_off_is_off_however_it_is_written(word: str) -> None:
    assert ApiSettings(supabase_jwt_issuer=word).issuer is None
    assert ClaudeSettings(solver_model=word).solver_model is None


@pytest.mark.parametrize(
    "content", ["REDIS_URL=redis://h\r\n".encode("utf-16"), "REDIS_URL=redis://:p\xe4@h".encode("latin-1")]
)
def test_a_settings_file_in_another_encoding_is_named(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REDIS_URL", raising=False)

    with pytest.raises(SettingsError, match=r"\.env cannot be read .* UTF-8"):
        load(RedisSettings)


@pytest.mark.parametrize("folder", [True, False])
def test_certificates_that_are_missing_stop_the_start_when_a_server_far_away_is_verified(
    folder: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were first looked for when the address was used, which was a traceback."""
    certificates = tmp_path if folder else tmp_path / "missing.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates))
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hunter2@db.example.com/d")

    with pytest.raises(SettingsError, match="SSL_CERT_FILE") as refused:
        load(DatabaseSettings)

    assert "hunter2" not in str(refused.value)
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hunter2@127.0.0.1/d")
    assert load(DatabaseSettings).database_address.host == "127.0.0.1"


def test_the_operators_token_is_no_published_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_OPERATOR_TOKEN", "sb_publishable_0123456789abcdef0123456789abcdef")

    with pytest.raises(SettingsError, match="API_OPERATOR_TOKEN"):
        load(ApiSettings)
