"""The quality of an exam, or of all sessions of a day: what was planned and is there, what is in doubt, what it cost.

It holds counts only: no question, no user.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Select, Subquery, and_, func, select

from db.published_question import is_graded
from db.review_queue import is_report_of
from db.tables import attempts, plans, questions, reports, reviews, slots
from generation.reports import Decision
from generation.verdicts import UNCHECKED, Purpose, Verdict

#: The fields of a slot whose quotas the plan fixes.
QUOTAS = ("section", "topic", "questionType", "difficulty")


@dataclass(frozen=True, slots=True)
class Quota:
    field: str
    value: str
    planned: int
    there: int


@dataclass(frozen=True, slots=True)
class Source:
    """The questions of one topic that one model wrote with one version of the prompt."""

    prompt_version: str
    model: str
    topic: str
    questions: int
    disputed: int
    doubtful_language: int
    reported: int
    retired_or_changed: int


@dataclass(frozen=True, slots=True)
class QualityReport:
    sessions: int
    planned: int
    questions: int  #: committed
    quotas: tuple[Quota, ...]
    deviating: int  #: slots that are not as planned first
    verdicts: Mapping[str, int]
    reasons: Mapping[str, int]
    not_graded: int
    rejected: int  #: objects of a reply that broke a rule
    repeats: int  #: of these, repeats of a question that the student had
    rewritten: int  #: questions that another replaced before their batch was published
    reports: Mapping[str, int]
    decisions: Mapping[str, int]
    cost_microdollars: Decimal
    checks_microdollars: Decimal
    rewrites_microdollars: Decimal  #: of writing after the first check of a batch
    sources: tuple[Source, ...]


class QualityStore:
    """Every method is one read."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of_session(self, session_id: UUID) -> QualityReport | None:
        """None when there is no such session."""
        wanted = select(plans.c.session_id).where(plans.c.session_id == session_id)
        return self._report(wanted)

    def of_day(self, day: date) -> QualityReport | None:
        """Of the sessions that were created on this day, in UTC; None when there are none."""
        start = datetime.combine(day, time(), UTC)
        wanted = select(plans.c.session_id).where(
            plans.c.created_at >= start, plans.c.created_at < start + timedelta(days=1)
        )
        return self._report(wanted)

    def _report(self, wanted: Select[Any]) -> QualityReport | None:
        with self._engine.connect() as connection:
            return _report(connection, wanted)


def _report(connection: Connection, wanted: Select[Any]) -> QualityReport | None:
    which = wanted.subquery("wanted")
    sessions = connection.execute(select(func.count()).select_from(which)).scalar_one()
    if not sessions:
        return None
    verdict = func.coalesce(questions.c.solver_verdict, UNCHECKED)
    verdicts = _counted(connection, verdict, _among(questions, which))
    money = connection.execute(_money(which)).one()
    slot = connection.execute(
        select(
            func.count().label("planned"),
            func.count(slots.c.planned).label("deviating"),
            func.coalesce(func.sum(slots.c.disputes), 0).label("rewritten"),
        ).where(_among(slots, which))
    ).one()
    return QualityReport(
        sessions=sessions,
        planned=slot.planned,
        questions=sum(verdicts.values()),
        quotas=tuple(_quotas(connection, which)),
        deviating=slot.deviating,
        verdicts=verdicts,
        reasons=_counted(connection, func.unnest(questions.c.solver_reasons), _among(questions, which)),
        not_graded=connection.execute(
            select(func.count()).where(_among(questions, which), ~is_graded)
        ).scalar_one(),
        rejected=money.rejected,
        repeats=money.repeats,
        rewritten=slot.rewritten,
        reports=_counted(connection, reports.c.reason, _among(reports, which)),
        decisions=_counted(connection, reviews.c.decision, _among(reviews, which)),
        cost_microdollars=money.cost,
        checks_microdollars=money.checks,
        rewrites_microdollars=money.rewrites,
        sources=tuple(_sources(connection, which)),
    )


def _among(table: Any, which: Subquery) -> Any:
    return table.c.session_id.in_(select(which.c.session_id))


def _counted(connection: Connection, what: Any, condition: Any) -> dict[str, int]:
    rows = connection.execute(select(what, func.count()).where(condition).group_by(what))
    return dict(sorted((str(name), int(count)) for name, count in rows))


def _quotas(connection: Connection, which: Subquery) -> Iterable[Quota]:
    """What the plan wanted first, and what the committed questions are."""
    specs = func.coalesce(slots.c.planned, slots.c.spec)
    for field in QUOTAS:
        planned = _counted(connection, specs[field].astext, _among(slots, which))
        there = _counted(connection, questions.c.content[field].astext, _among(questions, which))
        for value in sorted(planned.keys() | there.keys()):
            yield Quota(field, value, planned.get(value, 0), there.get(value, 0))


def _money(which: Subquery) -> Select[Any]:
    first = (
        select(attempts.c.session_id, attempts.c.batch_index, func.min(attempts.c.opened_at).label("at"))
        .where(_among(attempts, which), attempts.c.purpose == Purpose.SOLVE)
        .group_by(attempts.c.session_id, attempts.c.batch_index)
        .subquery("first")
    )
    of_batch = and_(
        first.c.session_id == attempts.c.session_id, first.c.batch_index == attempts.c.batch_index
    )
    is_rewrite = and_(attempts.c.purpose == Purpose.WRITE, attempts.c.opened_at > first.c.at)
    cost = attempts.c.cost_microdollars
    return (
        select(
            func.coalesce(func.sum(cost), 0).label("cost"),
            func.coalesce(func.sum(cost).filter(attempts.c.purpose == Purpose.SOLVE), 0).label("checks"),
            func.coalesce(func.sum(cost).filter(is_rewrite), 0).label("rewrites"),
            func.coalesce(func.sum(attempts.c.rejected), 0).label("rejected"),
            func.coalesce(func.sum(attempts.c.repeats), 0).label("repeats"),
        )
        .select_from(attempts.outerjoin(first, of_batch))
        .where(_among(attempts, which))
    )


def _sources(connection: Connection, which: Subquery) -> Iterable[Source]:
    source = questions.c.prompt_version, attempts.c.model, questions.c.content["topic"].astext
    is_reported = select(reports.c.position).where(is_report_of(questions.c)).exists()
    conditions = (
        questions.c.solver_verdict == Verdict.DISPUTED,
        questions.c.doubtful_words.is_not(None),
        is_reported,
    )
    query = (
        select(*source, func.count(), *(func.count().filter(condition) for condition in conditions))
        .select_from(questions.outerjoin(attempts, attempts.c.id == questions.c.attempt_id))
        .where(_among(questions, which))
        .group_by(*source)
    )
    written: dict[tuple[Any, ...], Any] = {tuple(row[:3]): row[3:] for row in connection.execute(query)}
    decided = select(reviews.c.prompt_version, reviews.c.model, reviews.c.topic).where(
        _among(reviews, which), reviews.c.decision != Decision.ACCEPTED
    )
    changed = Counter(tuple(row) for row in connection.execute(decided))
    for key in sorted(written.keys() | changed.keys(), key=str):
        prompt_version, model, topic = key
        counts: tuple[int, int, int, int] = written.get(key, (0, 0, 0, 0))
        yield Source(prompt_version or "unknown", model or "unknown", topic, *counts, changed[key])
