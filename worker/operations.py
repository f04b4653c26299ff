"""The operators' commands about the whole system: doctor, queues, show, plan, cancel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from decimal import Decimal
from typing import Annotated

import typer

from db.engine import make_engine
from db.events import EventLog
from db.levels import read_levels
from db.operator import AttemptLine
from db.sessions import SessionStore
from generation.errors import SessionMissing
from generation.model import Track
from generation.plan import plan_exam
from runtime.redis import make_redis
from runtime.settings import (
    ClaudeSettings,
    DatabaseSettings,
    GenerationSettings,
    PlanSettings,
    RedisSettings,
    SettingsError,
    load,
)
from worker.app import app
from worker.commands.output import (
    AsJson,
    SessionId,
    dollars,
    moment,
    print_json,
    print_table,
    refuse,
    since,
)
from worker.commands.stores import stores
from worker.doctor import (
    INSPECT_S,
    Crew,
    Finding,
    Health,
    ask_crew,
    examine_crew,
    examine_postgres,
    examine_queue,
    examine_redis,
    judge_model,
    worst,
)
from worker.timeline import timeline

#: More events than a session can have.
EVERY_EVENT = 100_000


def add_to(cli: typer.Typer) -> None:
    for command in (doctor, queues, show, plan, cancel):
        cli.command()(command)


def doctor(*, as_json: AsJson = False) -> None:
    """Look at every dependency; name what is broken and its remedy. Exit 1 when something is."""
    findings: list[Finding] = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            typer.echo(_told(finding))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    if worst(findings) is Health.BROKEN:
        raise typer.Exit(1)


_MARKS = {Health.WELL: "ok", Health.POOR: "look", Health.BROKEN: "BROKEN"}


def _told(finding: Finding) -> str:
    remedy = f"\n{'':10}-> {finding.remedy}" if finding.remedy else ""
    return f"{_MARKS[finding.health]:<10}{finding.about}: {finding.says}{remedy}"


def examine() -> Iterator[Finding]:
    """Everything, one after the other; wrong settings are findings, too."""
    yield from _postgres()
    yield from _redis_and_crew()
    yield from _model()


def _postgres() -> Iterator[Finding]:
    try:
        engine = make_engine(load(DatabaseSettings), application_name="tafawoq-doctor")
    except SettingsError as err:
        yield _wrong_settings("Postgres", err)
        return
    try:
        yield from examine_postgres(engine)
    finally:
        engine.dispose()


def _redis_and_crew() -> Iterator[Finding]:
    try:
        settings = load(RedisSettings)
    except SettingsError as err:
        yield _wrong_settings("Redis", err)
        return
    with closing(make_redis(settings, timeout_s=INSPECT_S)) as redis:
        found = list(examine_redis(redis))
    yield from found
    crew = ask_crew(app) if found[0].health is Health.WELL else Crew((), frozenset(), 0)
    yield examine_crew(crew)
    yield from _queue(crew)


def _queue(crew: Crew) -> Iterator[Finding]:
    try:
        engine = make_engine(load(DatabaseSettings), application_name="tafawoq-doctor")
    except SettingsError:  # told already
        return
    try:
        yield examine_queue(engine, crew)
    finally:
        engine.dispose()


def _model() -> Iterator[Finding]:
    # Here, because the SDK takes a second to load and no other command needs it.
    from providers.claude import make_claude
    from providers.model_check import check_model

    try:
        claude, limits = load(ClaudeSettings), load(GenerationSettings)
    except SettingsError as err:
        yield _wrong_settings("model", err)
        return
    source = make_claude(
        claude,
        stall_timeout_s=limits.generation_stall_timeout_s,
        deadline_s=limits.generation_run_deadline_s,
    )
    try:
        yield from judge_model(claude.claude_model, check_model(source))
    finally:
        source.close()


def _wrong_settings(about: str, err: SettingsError) -> Finding:
    return Finding(about, Health.BROKEN, "its settings are not usable", str(err))


def queues(*, as_json: AsJson = False) -> None:
    """Show what waits, how long it has waited, and who is there to work."""
    with stores() as at:
        levels = read_levels(at.engine)
    crew = ask_crew(app)
    if as_json:
        print_json({"levels": asdict(levels), "workers": crew.names, "slots": crew.slots})
        return
    print_table(
        ["queue", "due", "oldest", "put off", "running", "lapsed"],
        [
            [
                urgency.value,
                str(queue.due),
                f"{queue.oldest_due_s:.0f} s",
                str(queue.put_off),
                str(queue.running),
                str(queue.lapsed),
            ]
            for urgency, queue in levels.queues.items()
        ],
    )
    typer.echo(
        f"{len(crew.names)} workers answer with {crew.slots} slots; {levels.put_off_for_providers} batches wait "
        f"for a provider; {dollars(levels.spent_today_microdollars)} spent today."
    )


def show(session_id: SessionId, *, as_json: AsJson = False) -> None:
    """Show one session: its batches, and a timeline of every call, cost and event."""
    with stores() as at:
        batches, attempts = at.operator.batches(session_id), at.operator.attempts(session_id)
        events = EventLog(at.engine).after(session_id, 0, EVERY_EVENT)
    if not batches:
        refuse(f"There is no session {session_id}.")
    moments = timeline(batches, attempts, events)
    if as_json:
        print_json(
            {
                "batches": [asdict(line) for line in batches],
                "attempts": [asdict(line) for line in attempts],
                "timeline": [asdict(each) for each in moments],
            }
        )
        return
    print_table(
        ["batch", "status", "asked for", "first question", "ready", "runs", "failures", "cost", "last error"],
        [
            [
                str(line.batch_index),
                line.status,
                moment(line.requested_at),
                since(line.requested_at, line.first_question_at),
                since(line.requested_at, line.ready_at),
                str(line.runs),
                str(line.failures),
                dollars(_cost_of(line.batch_index, attempts)),
                line.last_error or "",
            ]
            for line in batches
        ],
    )
    typer.echo()
    print_table(
        ["when", "batch", "what", ""],
        [
            [
                since(moments[0].at, each.at),
                "" if each.batch_index is None else str(each.batch_index),
                each.what,
                each.detail,
            ]
            for each in moments
        ],
    )


def _cost_of(batch_index: int, attempts: Sequence[AttemptLine]) -> Decimal:
    return sum((call.cost_microdollars for call in attempts if call.batch_index == batch_index), Decimal(0))


def plan(
    track: Track,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same plan.")] = 0,
    *,
    as_json: AsJson = False,
) -> None:
    """Show how an exam of this track is cut, with the settings of this machine. Needs no server."""
    try:
        planned = plan_exam(track, batch_size=load(PlanSettings).exam_batch_size, seed=seed)
    except SettingsError as err:
        refuse(str(err), code=2)
    if as_json:
        print_json(
            {
                "version": planned.version,
                "batches": [asdict(batch) for batch in planned.batches],
                "slots": [_without_key(slot.to_json()) for slot in planned.slots],
            }
        )
        return
    print_table(
        ["batch", "section", "questions", "difficulty", "topics"],
        [
            [
                str(batch.index),
                batch.section,
                f"{batch.start}-{batch.stop - 1}",
                _counted(slot.difficulty for slot in planned.slots_of(batch)),
                _counted(slot.topic for slot in planned.slots_of(batch)),
            ]
            for batch in planned.batches
        ],
    )


def _without_key(slot: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in slot.items() if name != "keyIndex"}


def _counted(values: Iterator[str]) -> str:
    return ", ".join(f"{count} {value}" for value, count in Counter(values).most_common())


def cancel(session_id: SessionId, *, as_json: AsJson = False) -> None:
    """Close a session for good: nothing more is written or spent for it. What is committed stays."""
    with stores() as at:
        try:
            SessionStore(at.engine).cancel(session_id)
        except SessionMissing:
            refuse(f"There is no session {session_id}.")
    if as_json:
        print_json({"session": session_id, "status": "closed"})
    else:
        typer.echo(f"Session {session_id} is closed.")
