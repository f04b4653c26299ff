from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_settings import BaseSettings

from runtime.api_settings import ApiSettings
from runtime.retention_settings import RetentionSettings
from runtime.review_settings import ReviewSettings
from runtime.settings import (
    BillingReportSettings,
    ClaudeSettings,
    DatabaseSettings,
    Environment,
    GenerationSettings,
    LeaseSettings,
    OpenRouterSettings,
    PlanSettings,
    RedisSettings,
    ServiceSettings,
    SettingsError,
    TrafficSettings,
    WorkerSettings,
    load,
)
from runtime.spend_settings import SpendSettings
from runtime.tracing import TracingSettings
from tools.stack.embedded_programs import ServerProgramSettings
from tools.stack.processes import PROJECT
from tools.stack.stack_settings import StackSettings, check_everything

SECRET = "sk-ant-not-for-anybody"

EVERY_SLICE: tuple[type[BaseSettings], ...] = (
    ApiSettings,
    ClaudeSettings,
    DatabaseSettings,
    GenerationSettings,
    LeaseSettings,
    OpenRouterSettings,
    PlanSettings,
    RedisSettings,
    RetentionSettings,
    ReviewSettings,
    ServerProgramSettings,
    ServiceSettings,
    SpendSettings,
    StackSettings,
    BillingReportSettings,
    TracingSettings,
    TrafficSettings,
    WorkerSettings,
)

#: The stack's defaults differ from a production process's, which are those in the example.
EXPLAINED = {"tafawoq_env", "figure_patterns"}


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # no .env of the developer's
    for slice_type in EVERY_SLICE:
        for name in slice_type.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)


def refusal(slice_type: type) -> str:
    with pytest.raises(SettingsError) as refused:
        load(slice_type)
    return str(refused.value)


def test_a_missing_variable_is_named_with_what_to_do() -> None:
    assert refusal(DatabaseSettings) == (
        "DATABASE_URL is not set. Set it in the environment or in .env (see .env.example)."
    )


def test_a_variable_without_a_value_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """As compose passes `${NAME:-}`."""
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("WORKER_CONCURRENCY", "")

    assert refusal(DatabaseSettings).startswith("DATABASE_URL is not set.")
    assert (
        load(WorkerSettings).worker_concurrency == WorkerSettings.model_fields["worker_concurrency"].default
    )


def test_a_refused_origin_is_told_what_one_looks_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_CORS_ORIGINS", "https://app.example/")

    assert refusal(ApiSettings) == (
        "API_CORS_ORIGINS is not usable: it must be origins like https://app.example, separated by commas: "
        "no path, no slash at the end. Correct it in the environment or in .env."
    )


def test_production_does_not_start_without_a_key() -> None:
    assert refusal(ClaudeSettings).startswith(
        "ANTHROPIC_API_KEY is not set. Set it, or set TAFAWOQ_ENV=development"
    )


def test_development_may_use_the_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAFAWOQ_ENV", "development")

    assert load(ClaudeSettings).address == "http://127.0.0.1:8100"


@pytest.mark.parametrize(("given", "model"), [("", "claude-haiku-5-5"), ("off", None), ("x", "x")])
def test_no_solver_takes_a_word_because_a_blank_is_the_default(
    given: str, model: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    monkeypatch.setenv("SOLVER_MODEL", given)

    assert load(ClaudeSettings).solver_model == model


def test_a_key_asks_claude(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)

    assert load(ClaudeSettings).address == "https://api.anthropic.com"


def test_a_blank_key_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "  ")

    assert "ANTHROPIC_API_KEY is not set" in refusal(ClaudeSettings)


@pytest.mark.parametrize(
    ("slice_type", "variable", "value"),
    [
        (PlanSettings, "EXAM_BATCH_SIZE", "0"),
        (PlanSettings, "EXAM_BATCH_SIZE", "ten"),
        (PlanSettings, "PREFETCH_THRESHOLD", "1.5"),
        (ApiSettings, "API_PORT", "99999"),
        (DatabaseSettings, "DATABASE_URL", "mysql://somewhere/else"),
        (RedisSettings, "REDIS_URL", "localhost:6379"),
        (RedisSettings, "REDIS_URL", "unix:///run/redis.sock"),
        (RedisSettings, "REDIS_SOCKET_TIMEOUT_S", "1"),
        (WorkerSettings, "WORKER_CONCURRENCY", "-3"),
        (StackSettings, "SPEED", "0"),
        (ClaudeSettings, "CLAUDE_EFFORT", "highest"),
        (OpenRouterSettings, "OPENROUTER_BASE_URL", "openrouter.ai"),
        (RedisSettings, "REDIS_KEY_PREFIX", "tafawoq"),
        (ApiSettings, "API_QUOTA_FUNCTION", "take_credit"),
        (ApiSettings, "API_CORS_ORIGINS", "https://one.example,https://app.example/"),
        (ApiSettings, "API_CORS_ORIGINS", "https://app.example:\u0668\u0660"),
        (ApiSettings, "API_CORS_ORIGINS", "https://app.example:99999"),
        (ApiSettings, "API_TRUSTED_HOSTS", "api.internal,http://api:8000"),
    ],
)
def test_a_value_that_cannot_be_right_is_refused_in_a_sentence_that_names_it(
    slice_type: type, variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1")
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    monkeypatch.setenv(variable, value)

    sentence = refusal(slice_type)

    assert sentence.startswith(variable)
    assert sentence.endswith(".")
    assert "pattern" not in sentence


def test_every_problem_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAM_BATCH_SIZE", "0")
    monkeypatch.setenv("PREFETCH_THRESHOLD", "2")

    assert [line.split("=")[0] for line in refusal(PlanSettings).splitlines()] == [
        "EXAM_BATCH_SIZE",
        "PREFETCH_THRESHOLD",
    ]


def test_a_refusal_quotes_no_address_because_it_may_hold_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"http://user:{SECRET}@host/db")

    assert SECRET not in refusal(DatabaseSettings)


def test_a_loaded_key_is_not_shown_by_accident(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)

    assert SECRET not in repr(load(ClaudeSettings))


def test_an_open_address_needs_a_password() -> None:
    with pytest.raises(ValueError, match="SUPABASE_JWT_SECRET"):
        ApiSettings(tafawoq_env=Environment.DEVELOPMENT, api_host="0.0.0.0")


TOKEN = "a-token-of-more-than-thirty-two-bytes"


@pytest.mark.parametrize("given", [f"{TOKEN}\n", f" {TOKEN}", f"{TOKEN}\r\n", f"\t{TOKEN} ", f'"{TOKEN}"\n'])
def test_what_a_secret_store_adds_to_a_value_is_no_part_of_it(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("API_SERVICE_TOKEN", given)
    monkeypatch.setenv("SUPABASE_JWT_SECRET", given)
    monkeypatch.setenv("SUPABASE_JWKS_URL", given.replace(TOKEN, "https://project.example/jwks.json"))
    settings = load(ApiSettings)

    assert settings.api_service_token is not None
    assert settings.api_service_token.get_secret_value() == TOKEN
    assert settings.supabase_jwt_secret is not None
    assert settings.supabase_jwt_secret.get_secret_value() == TOKEN
    assert settings.supabase_jwks_url == "https://project.example/jwks.json"


@pytest.mark.parametrize("given", ["two words", "two\nlines", "سر", "a" * 1025])
def test_a_service_token_that_no_client_can_send_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("API_SERVICE_TOKEN", given)

    said = refusal(ApiSettings)
    assert "API_SERVICE_TOKEN is not usable: it must be at most 1024 visible ASCII characters" in said
    assert given not in said


@pytest.mark.parametrize(
    ("variable", "given"), [("API_SERVICE_TOKEN", "x"), ("SUPABASE_JWT_SECRET", "a" * 31)]
)
def test_a_secret_that_can_be_guessed_stops_production_only(
    monkeypatch: pytest.MonkeyPatch, variable: str, given: str
) -> None:
    monkeypatch.setenv(variable, given)
    assert refusal(ApiSettings).startswith(f"{variable} is too short for production")

    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    assert load(ApiSettings).has_auth


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_production_does_not_start_without_auth(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("API_HOST", host)
    monkeypatch.setenv("API_INSECURE_NO_AUTH", "true")

    assert refusal(ApiSettings).startswith("Without auth the API would serve everybody as anybody")


@pytest.mark.parametrize(
    ("slice_type", "variable", "field"),
    [
        (ClaudeSettings, "ANTHROPIC_API_KEY", "anthropic_api_key"),
        (OpenRouterSettings, "OPENROUTER_API_KEY", "openrouter_api_key"),
        (BillingReportSettings, "ANTHROPIC_ADMIN_KEY", "anthropic_admin_key"),
    ],
)
def test_a_providers_key_can_always_be_sent(
    monkeypatch: pytest.MonkeyPatch, slice_type: type, variable: str, field: str
) -> None:
    monkeypatch.setenv(variable, f"{SECRET}\n")
    assert getattr(load(slice_type), field).get_secret_value() == SECRET

    monkeypatch.setenv(variable, f"{SECRET} {SECRET}")
    said = refusal(slice_type)
    assert said.startswith(f"{variable} is not usable: it must be at most 1024 visible ASCII characters")
    assert SECRET not in said


@pytest.mark.parametrize("name", ["CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL"])
def test_no_variable_of_celerys_leads_the_queue_past_our_address(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1")
    monkeypatch.setenv(name, f"redis://:{SECRET}@elsewhere")

    said = refusal(RedisSettings)
    assert said == f"{name} would lead the queue past REDIS_URL. Unset it."


def test_a_blank_service_token_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    monkeypatch.setenv("API_SERVICE_TOKEN", " \n")

    assert not load(ApiSettings).has_auth


@pytest.mark.parametrize("given", ["file:///etc/passwd", "project.example/jwks.json", "data:,{}"])
def test_signing_keys_come_over_http(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("SUPABASE_JWKS_URL", given)

    assert "SUPABASE_JWKS_URL is not usable: it must begin with http" in refusal(ApiSettings)


def test_heartbeats_must_fit_several_times_into_a_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEASE_HEARTBEAT_S", "4")

    assert "LEASE_HEARTBEAT_S=4" in refusal(LeaseSettings)


def test_openrouters_address_ends_before_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1/")

    assert "OPENROUTER_BASE_URL must not end in /v1" in refusal(OpenRouterSettings)


@given(st.sampled_from(["postgres", "postgresql", "postgresql+psycopg"]), st.integers(1, 65535))
def test_a_database_address_is_spoken_in_the_dialect_of_the_listener(scheme: str, port: int) -> None:
    settings = DatabaseSettings(database_url=f"{scheme}://u:p@h:{port}/d")

    assert settings.sqlalchemy_url == f"postgresql+psycopg://u:p@h:{port}/d"
    assert settings.libpq_url == f"postgresql://u:p@h:{port}/d"


def test_a_dotenv_file_is_read_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("EXAM_BATCH_SIZE=7\nPRACTICE_BATCH_SIZE=3\n")
    monkeypatch.setenv("EXAM_BATCH_SIZE", "8")

    plan = load(PlanSettings)

    assert (plan.exam_batch_size, plan.practice_batch_size) == (8, 3)


def test_the_stack_uses_the_simulator_only_when_nothing_else_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load(StackSettings).needs_simulator

    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    assert not load(StackSettings).needs_simulator


def test_the_stack_tells_a_mistake_of_any_process_before_it_starts_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    check_everything()

    monkeypatch.setenv("REDIS_URL", "nowhere")
    with pytest.raises(SettingsError, match="REDIS_URL"):
        check_everything()


def test_the_stack_in_production_misses_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAFAWOQ_ENV", "production")
    monkeypatch.setenv("API_SERVICE_TOKEN", TOKEN)

    assert not load(StackSettings).needs_simulator
    with pytest.raises(SettingsError, match="ANTHROPIC_API_KEY"):
        check_everything()


def example() -> dict[str, str]:
    """Name -> value of every line of .env.example, commented out or not; each stands there once."""
    text = (PROJECT / ".env.example").read_text()
    lines = re.findall(r"^#? ?([A-Z_]+)=(.*)$", text, flags=re.MULTILINE)
    assert [name for name, times in Counter(name for name, _ in lines).items() if times > 1] == []
    return dict(lines)


def test_the_example_shows_no_setting_that_nobody_reads_and_all_of_compose() -> None:
    read = {name.upper() for slice_type in EVERY_SLICE for name in slice_type.model_fields}
    compose = set(re.findall(r"\$\{([A-Z_]+)", (PROJECT / "docker-compose.yml").read_text()))

    assert example().keys() - read - compose == set()
    assert compose - example().keys() == set()


@pytest.mark.parametrize("slice_type", EVERY_SLICE)
def test_every_setting_stands_in_the_example_with_its_default(slice_type: type[BaseSettings]) -> None:
    shown = example()

    for name, field in slice_type.model_fields.items():
        assert name.upper() in shown, f"{name.upper()} is missing in .env.example"
        is_explained = slice_type is StackSettings and name in EXPLAINED
        if field.default is not None and not field.is_required() and not is_explained:
            assert _as_written(field.default) == shown[name.upper()]


def _as_written(default: object) -> str:
    if isinstance(default, tuple):
        return ",".join(default)
    return str(default).lower() if isinstance(default, bool) else f"{default}"


def test_a_limit_on_money_is_an_amount_of_dollars_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(SpendSettings).spend_limit_day_usd is None
    monkeypatch.setenv("SPEND_LIMIT_DAY_USD", "12.50")
    monkeypatch.setenv("SPEND_LIMIT_SESSION_USD", "")
    assert load(SpendSettings).spend_limit_day_usd == Decimal("12.50")
    assert load(SpendSettings).spend_limit_session_usd is None
    for wrong in ("0", "-1", "much", "inf"):
        monkeypatch.setenv("SPEND_LIMIT_DAY_USD", wrong)
        with pytest.raises(SettingsError, match="SPEND_LIMIT_DAY_USD"):
            load(SpendSettings)


def test_a_user_has_a_limit_by_default_and_it_takes_a_word_to_have_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load(SpendSettings).spend_limit_user_day_usd == Decimal("2.50")
    monkeypatch.setenv("SPEND_LIMIT_USER_DAY_USD", "")
    assert load(SpendSettings).spend_limit_user_day_usd == Decimal("2.50")
    monkeypatch.setenv("SPEND_LIMIT_USER_DAY_USD", "off")
    assert load(SpendSettings).spend_limit_user_day_usd is None
    monkeypatch.setenv("SPEND_LIMIT_USER_DAY_USD", "0.47")
    with pytest.raises(SettingsError, match=r"SPEND_LIMIT_USER_DAY_USD=0\.47 refuses every exam"):
        load(SpendSettings)
