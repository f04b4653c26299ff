"""`doctor`: checks every dependency, and says what to do about each problem."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict

import typer

from db.engine import make_engine
from providers.claude import make_claude
from providers.model_check import check_model, check_openrouter_key
from runtime.api_settings import ApiSettings, SigningKeySettings
from runtime.redis import make_redis
from runtime.settings import (
    ClaudeSettings,
    DatabaseSettings,
    GenerationSettings,
    OpenRouterSettings,
    PlanSettings,
    RedisSettings,
    Service,
    ServiceSettings,
    SettingsError,
    load,
)
from worker.app import app
from worker.commands.output import AsJson, print_json
from worker.doctor import (
    INSPECT_S,
    ActiveWorkers,
    Finding,
    Health,
    examine_postgres,
    examine_queue,
    examine_redis,
    examine_workers,
    find_workers,
    judge_key,
    judge_model,
    no_model,
    well,
    worst,
)
from worker.figure_choice import figure_choice
from worker.queue_check import problem_of_queue
from worker.signing_key_check import examine_signing_keys


def doctor(*, as_json: AsJson = False) -> None:
    """Check every dependency; name what is broken and the remedy. Exit 1 when something is broken."""
    findings: list[Finding] = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            typer.echo(_line(finding))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    if worst(findings) is Health.BROKEN:
        raise typer.Exit(1)


_MARKS = {Health.WELL: "ok", Health.POOR: "look", Health.BROKEN: "BROKEN"}


def _line(finding: Finding) -> str:
    remedy = f"\n{'':10}-> {finding.remedy}" if finding.remedy else ""
    return f"{_MARKS[finding.health]:<10}{finding.about}: {finding.says}{remedy}"


def examine() -> Iterator[Finding]:
    """Check everything that this container needs, one by one; wrong settings are findings, too."""
    try:
        service = load(ServiceSettings).tafawoq_service
    except SettingsError as err:
        yield _wrong_settings("TAFAWOQ_SERVICE", err)
        return
    reads_rows = service is not Service.FLOWER
    yield from (
        _postgres() if reads_rows else [well("Postgres", "Flower reads no rows and needs no DATABASE_URL")]
    )
    yield from _redis_and_workers(service)
    yield from _model() if service is Service.WORKER else [_needs_no_model(service)]
    yield from _signing_keys()
    if service is Service.API:
        yield from _api()


def _api() -> Iterator[Finding]:
    try:
        load(ApiSettings)
        figure_choice(load(PlanSettings))
    except SettingsError as err:
        yield _wrong_settings("API", err)


def _needs_no_model(service: Service) -> Finding:
    return well(
        "model",
        f"this container ({service}) calls no model and needs no key; to check the model, run doctor in a worker",
    )


def _postgres() -> Iterator[Finding]:
    try:
        settings = load(DatabaseSettings)
        engine = make_engine(settings, application_name="tafawoq-doctor")
    except SettingsError as err:
        yield _wrong_settings("Postgres", err)
        return
    if not settings.database_address.is_verified:
        yield _unverified("Postgres", "Write sslmode=verify-full in DATABASE_URL")
    try:
        yield from examine_postgres(engine)
    finally:
        engine.dispose()


def _redis_and_workers(service: Service) -> Iterator[Finding]:
    try:
        settings = load(RedisSettings)
    except SettingsError as err:
        yield _wrong_settings("Redis", err)
        return
    tls = settings.redis_address.tls
    if tls is not None and not tls.verifies:
        yield _unverified("Redis", "Remove ssl_cert_reqs from REDIS_URL")
    with closing(make_redis(settings, timeout_s=INSPECT_S)) as redis:
        found = list(examine_redis(redis))
        # Only the workers' account has every permission that the queue needs.
        problem = problem_of_queue(redis, settings.redis_key_prefix) if service is Service.WORKER else None
    yield from found
    if problem is not None:
        yield Finding("queue in Redis", Health.BROKEN, problem.says, problem.remedy)
    workers = find_workers(app) if found[0].health is Health.WELL else ActiveWorkers((), frozenset(), 0)
    yield examine_workers(workers)
    if service is not Service.FLOWER:
        yield from _queue(workers)


def _queue(workers: ActiveWorkers) -> Iterator[Finding]:
    try:
        engine = make_engine(load(DatabaseSettings), application_name="tafawoq-doctor")
    except SettingsError:  # already a finding
        return
    try:
        yield examine_queue(engine, workers)
    finally:
        engine.dispose()


def _model() -> Iterator[Finding]:
    try:
        yield from _asked_models()
    except SettingsError as err:
        yield _wrong_settings("model", err)


def _asked_models() -> Iterator[Finding]:
    """What the providers say. Raises SettingsError."""
    claude, limits = load(ClaudeSettings), load(GenerationSettings)
    openrouter = load(OpenRouterSettings)
    provider = make_claude(
        claude, stall_timeout_s=limits.generation_stall_timeout_s, deadline_s=limits.generation_run_deadline_s
    )
    try:
        check = check_model(provider)
        if check.is_simulator is None and check.stop is None and claude.asks_simulator:
            yield no_model(claude.simulator_url)
        else:
            yield from judge_model(claude.claude_model, check)
    finally:
        provider.close()
    fallback = check_openrouter_key(openrouter, claude)
    if fallback is not None:
        yield from judge_key("OpenRouter", fallback)


def _signing_keys() -> Iterator[Finding]:
    try:
        settings = load(SigningKeySettings)
    except SettingsError as err:
        yield _wrong_settings("signing keys", err)
        return
    yield from examine_signing_keys(settings)


def _unverified(server: str, remedy: str) -> Finding:
    variable = "DATABASE_CA_FILE" if server == "Postgres" else "REDIS_CA_FILE"
    return Finding(
        f"certificate of {server}",
        Health.POOR,
        "it is not verified: whoever stands between can read along",
        f"{remedy}, and let {variable} name its authority if it is a private one.",
    )


def _wrong_settings(about: str, err: SettingsError) -> Finding:
    return Finding(about, Health.BROKEN, "its settings are not usable", str(err))
