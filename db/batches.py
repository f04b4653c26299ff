"""Batches: requested, claimed by one run at a time, filled, published, and recovered when a run is lost.

Lock order in every transaction: the web app's row, then batches rows by index, then the plans row. The web
app may lock its row for a long time, so a transaction holds no lock of ours while it waits for that row.
All times are the database's. Every write of a run carries its claim, and the row's epoch decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlalchemy import Connection, Engine, case, func, literal, select, tuple_, update
from sqlalchemy.exc import DataError, IntegrityError

from db import checks, claims, deviations, leases, progress, requests, verdicts
from db.accept import accept_parameters, accept_statement
from db.engine import committing_each
from db.errors import QuestionUnstorable
from db.events import record
from db.fence import NO_LEASE, fence_lost, held_by, is_batch
from db.leases import Lease, Renewal
from db.progress import Owner, Progress, TimesTaken
from db.publish import mark_ready, publish_ready, set_generating
from db.requests import Requested
from db.session_row import lock_row
from db.spending import NO_LIMITS, SpendLimits, check_session, keep_reserved
from db.sweep import Due, close_orphans, release_lapsed, take_due
from db.tables import REPEATED_QUESTION, batches
from generation.errors import QuestionRepeated
from generation.model import BatchStatus, Claim, EventKind, Question, Slot, Urgency
from generation.verdicts import Finding
from runtime.settings import PlanSettings


class BatchStore:
    """Every method is one short transaction. Implements generation.ports.RunStore."""

    def __init__(
        self, engine: Engine, limits: SpendLimits = NO_LIMITS, *, checks_answers: bool = False
    ) -> None:
        """`checks_answers`: a finished batch that has unchecked questions is due for an answer check."""
        self._engine = engine
        self._limits = limits
        self._checks_answers = checks_answers
        self._committing_each = committing_each(engine)
        self._times = TimesTaken()

    def request(
        self, session_id: UUID, batch_index: int, urgency: Urgency, *, traceparent: str | None = None
    ) -> Requested:
        """Request a batch: the next one, or with PREFETCH also the one after it. A ready batch is always returned.

        `traceparent` is the request's trace context; the run that writes the batch continues that trace.
        Raises SessionMissing, BatchNotNext, SessionClosed for a session that is paused or over, and
        SpendLimitReached for a batch that would begin beyond the session's limit, or beyond the user's after the
        session's reservation has lapsed.
        """
        with self._engine.begin() as connection:
            waits = urgency is Urgency.INTERACTIVE
            answer = requests.request(
                connection, session_id, batch_index, urgency, waits=waits, traceparent=traceparent
            )
            if answer.created:
                check_session(connection, self._limits, session_id)  # an error undoes the request
                keep_reserved(connection, self._limits, session_id)
            return answer

    def note_progress(
        self,
        session_id: UUID,
        position: int,
        *,
        plan: PlanSettings,
        owner: Owner | None = None,
        traceparent: str | None = None,
    ) -> Progress:
        """Store the student's position, update their pace, and request the next batch once when it is due.

        A batch that has begun or failed stays as it is. A report that is too fast for a reader requests nothing
        and does not count for the pace.
        Raises SessionMissing, also when `owner` is not the session's; SessionClosed for the owner of a session that
        is over; QuestionNotLoaded for a position without a committed question; then nothing is stored.
        """
        with self._engine.begin() as connection:
            return progress.note_progress(
                connection,
                session_id,
                position,
                owner=owner,
                plan=plan,
                limits=self._limits,
                times=self._times,
                traceparent=traceparent,
            )

    def revive(self, session_id: UUID) -> list[int]:
        """Queue all failed batches of the session again, for the sweep to enqueue; returns their indexes.

        Raises SessionMissing, SessionClosed and SpendLimitReached.
        """
        with self._engine.begin() as connection:
            check_session(connection, self._limits, session_id)
            return requests.revive(connection, session_id)

    def traceparent(self, session_id: UUID, batch_index: int) -> str | None:
        """The trace context of the latest request for the batch, if that request was traced."""
        query = select(batches.c.traceparent).where(is_batch(session_id, batch_index))
        with self._committing_each.connect() as connection:
            return connection.execute(query).scalar_one_or_none()

    def check_spending(self, session_id: UUID) -> None:
        """Raise SpendLimitReached when no further run may begin for the session."""
        if self._limits.session_usd is not None:
            with self._engine.connect() as connection:
                check_session(connection, self._limits, session_id)

    def claim(self, session_id: UUID, batch_index: int, owner: str, ttl_s: float) -> Claim | None:
        """Claim the batch with a new epoch; None when it is due later, held by another run, ready or closed."""
        with self._engine.begin() as connection:
            return claims.take(connection, session_id, batch_index, owner=owner, ttl_s=ttl_s)

    def renew(self, held: Sequence[Lease], ttl_s: float) -> Renewal:
        """Renew every lease for `ttl_s` seconds, in one statement that waits for no lock."""
        with self._committing_each.begin() as connection:
            return leases.renew(connection, held, ttl_s)

    def accept(self, claim: Claim, question: Question, attempt_id: UUID, provider: str) -> None:
        """Commit the question and its event, and fill its slot.

        In a filled slot only a disputed question is replaced, and only before a student asks for the batch.
        Raises FenceLost when another run owns the batch, QuestionRepeated when the session has the question
        already, and QuestionUnstorable for text that Postgres cannot hold (a NUL, half a surrogate pair).
        """
        where: dict[str, Any] = {"session_id": claim.session_id, "position": question.slot.position}
        parameters = accept_parameters(claim, question, attempt_id, provider)
        # `from None`: the database's message about a rejected row quotes the question and its key.
        try:
            with self._committing_each.begin() as connection:
                row = connection.execute(accept_statement(), parameters).one()
        except IntegrityError as err:
            if _violates(err, REPEATED_QUESTION):
                raise QuestionRepeated(**where) from None
            raise
        except (DataError, UnicodeEncodeError):
            raise QuestionUnstorable(**where) from None
        if not row.held:
            raise fence_lost(claim)

    def unchecked(self, claim: Claim) -> tuple[Question, ...]:
        """The batch's questions without a verdict, by position.

        Empty when a student has asked for the batch or is about to reach it, or when another run owns it.
        """
        with self._engine.connect() as connection:
            return verdicts.read_unchecked(connection, claim)

    def settle_verdicts(self, claim: Claim, given: Mapping[str, Finding]) -> tuple[Slot, ...]:
        """Store what the solver found, by fingerprint; return the slots whose questions may be written again.

        These are the slots of disputed questions, within their limits, and only while no student has asked for
        the batch or reached it. A disputed question stays until another is accepted in its place.
        Raises FenceLost.
        """
        with self._engine.begin() as connection:
            return verdicts.settle(connection, claim, given)

    def finish(self, claim: Claim) -> None:
        """Mark the batch ready, and publish every batch that is ready and next in order.

        Raises FenceLost, and BatchIncomplete while a slot is open.
        """
        with self._engine.begin() as connection:
            published = lock_row(connection, claim.session_id, claim.kind)
            self._publish(connection, claim, published)

    def replace_slots(self, claim: Claim, slots: Sequence[Slot]) -> None:
        """Store other slots in the place of these open ones, and keep what was planned. Raises FenceLost."""
        with self._engine.begin() as connection:
            deviations.replace_slots(connection, claim, slots)

    def finish_short(self, claim: Claim) -> None:
        """Like `finish` for the session's last batch, without its open slots: the session's total is lowered.

        The batch's last questions take the places of open slots; no other position changes. Raises FenceLost.
        """
        with self._engine.begin() as connection:
            published = lock_row(connection, claim.session_id, claim.kind)
            deviations.shorten(connection, claim)
            self._publish(connection, claim, published)

    def release(self, claim: Claim, delay_s: float, error_code: str, *, counts_as_failure: bool) -> None:
        """Queue the batch again, to run no earlier than `delay_s` seconds from now.

        The delay is zero when the batch became urgent during a run that did not fail: the student waits no longer
        than necessary. Raises FenceLost.
        """
        delay: Any = literal(timedelta(seconds=delay_s))
        if not counts_as_failure:
            delay = case((batches.c.urgency == claim.urgency, delay), else_=timedelta(0))
        with self._engine.begin() as connection:
            _change(
                connection,
                claim,
                status=BatchStatus.QUEUED,
                not_before=func.now() + delay,
                enqueued_at=None,
                last_error=error_code,
                failures=batches.c.failures + int(counts_as_failure),
                **NO_LEASE,
            )

    def fail(
        self, claim: Claim, error_code: str, *, counts_as_failure: bool = False, rest_s: float = 0
    ) -> None:
        """Mark the batch failed; it stays so until it is requested again. Raises FenceLost.

        With `rest_s`, requests change nothing for so many seconds; then its budget is full again. `revive` ends
        the rest at once.
        """
        rest_ends = func.now() + literal(timedelta(seconds=rest_s))
        rest = {"not_before": rest_ends, "budget_from": rest_ends, "rests": batches.c.rests + 1}
        with self._engine.begin() as connection:
            lock_row(connection, claim.session_id, claim.kind)
            _change(
                connection,
                claim,
                status=BatchStatus.FAILED,
                last_error=error_code,
                failures=batches.c.failures + int(counts_as_failure),
                **(rest if rest_s else {}),
                **NO_LEASE,
            )
            _record_event(connection, claim, EventKind.BATCH_FAILED, code=error_code)
            set_generating(connection, claim.session_id, claim.kind)

    def sweep(
        self, enqueue_again_s: float, limit: int, *, sooner_s: Mapping[Urgency, float] = MappingProxyType({})
    ) -> list[Due]:
        """Queue batches with a lapsed lease again, then return at most `limit` due batches to enqueue.

        A batch is returned when no worker has claimed it within `enqueue_again_s` seconds of its last message,
        or within the `sooner_s` of its urgency; it is marked as enqueued. Concurrent sweeps share the work.
        """
        for step in (release_lapsed, close_orphans):
            with self._engine.begin() as connection:
                step(connection, limit)
        with self._engine.begin() as connection:
            return take_due(connection, enqueue_again_s, limit, sooner_s=sooner_s)

    def take_checks(self, limit: int) -> list[tuple[UUID, int]]:
        """At most `limit` published batches whose answer check is due. Each is returned three times at most."""
        with self._engine.begin() as connection:
            return checks.take(connection, limit)

    def claim_check(self, session_id: UUID, batch_index: int) -> Claim | None:
        """What an answer check of a published batch needs; None for any other batch, or in a cancelled session."""
        with self._engine.connect() as connection:
            return checks.claim(connection, session_id, batch_index)

    def mark_all_not_enqueued(self, keys: Sequence[tuple[UUID, int]]) -> None:
        """Record that no message was sent for these batches, so that the next sweep sends one."""
        left = tuple_(batches.c.session_id, batches.c.batch_index).in_(keys)
        with self._engine.begin() as connection:
            connection.execute(update(batches).where(left).values(enqueued_at=None))

    def _publish(self, connection: Connection, claim: Claim, published: int) -> None:
        mark_ready(connection, claim)
        if self._checks_answers:
            checks.make_due(connection, claim)
        _record_event(connection, claim, EventKind.BATCH_READY)
        publish_ready(connection, claim.session_id, claim.kind, published=published)


def _change(connection: Connection, claim: Claim, **values: Any) -> None:
    """Update the batch's row, which stays locked until the transaction ends. Raises FenceLost."""
    if not connection.execute(update(batches).where(held_by(claim)).values(values)).rowcount:
        raise fence_lost(claim)


def _record_event(connection: Connection, claim: Claim, kind: EventKind, **payload: str) -> None:
    record(connection, claim.session_id, kind, {"batchIndex": claim.batch.index, **payload})


def _violates(err: IntegrityError, constraint: str) -> bool:
    return isinstance(err.orig, UniqueViolation) and err.orig.diag.constraint_name == constraint
