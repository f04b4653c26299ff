"""Batches: asked for, claimed by one run at a time, filled, published, and found again when they are lost.

Lock order in every transaction: the web app's row, then batches rows by index, then the plans row. The web
app may keep its row locked for long, so nothing of ours is held while we wait for that.
All times are the database's. A run shows its claim with every write, and the row's epoch decides.
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

from db import claims, leases, progress, requests, verdicts
from db.accept import accept_parameters, accept_statement
from db.engine import committing_each
from db.errors import QuestionUnstorable
from db.events import record
from db.fence import NOBODY, fence_lost, held_by, is_batch
from db.finish import mark_ready
from db.leases import Lease, Renewal
from db.progress import Owner, Progress, TimesTaken
from db.publish import publish_ready, set_generating
from db.requests import Requested
from db.session_row import lock_row
from db.spending import NO_LIMITS, SpendLimits, check_session
from db.sweep import Due, close_orphans, release_lapsed, take_due
from db.tables import REPEATED_QUESTION, batches
from generation.errors import QuestionRepeated
from generation.model import BatchStatus, Claim, EventKind, Question, Slot, Urgency
from generation.verdicts import Verdict
from runtime.settings import PlanSettings


class BatchStore:
    """Every method is one short transaction. Implements generation.ports.BatchKeeper."""

    def __init__(self, engine: Engine, limits: SpendLimits = NO_LIMITS) -> None:
        self._engine = engine
        self._limits = limits
        self._committing_each = committing_each(engine)
        self._times = TimesTaken()

    def request(
        self, session_id: UUID, batch_index: int, urgency: Urgency, *, traceparent: str | None = None
    ) -> Requested:
        """Want a batch: the next one, or with PREFETCH also the one after it. A ready batch is always given.

        `traceparent`: of the call that wants it; whoever runs the batch goes on with that trace.
        Raises SessionMissing, BatchNotNext, SessionClosed for a session that is paused or over, and
        SpendLimitReached when a batch would be begun for a session that has cost as much as it may.
        """
        with self._engine.begin() as connection:
            waits = urgency is Urgency.INTERACTIVE
            answer = requests.request(
                connection, session_id, batch_index, urgency, waits=waits, traceparent=traceparent
            )
            if answer.created:
                check_session(connection, self._limits, session_id)  # which undoes the request
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
        """Remember where the student is, learn their pace, and want the next batch when it is due: once.

        What has begun, or has failed, stays as it is. `owner`: whose session it must be. Raises SessionMissing,
        SessionClosed for the owner of a session that is over, and QuestionNotLoaded for a position without a
        committed question; then nothing is remembered.
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
        """Of the call that wanted the batch, when that was traced."""
        query = select(batches.c.traceparent).where(is_batch(session_id, batch_index))
        with self._committing_each.connect() as connection:
            return connection.execute(query).scalar_one_or_none()

    def check_spending(self, session_id: UUID) -> None:
        """Raise SpendLimitReached when no further run may begin for the session."""
        if self._limits.session_usd is not None:
            with self._engine.connect() as connection:
                check_session(connection, self._limits, session_id)

    def claim(self, session_id: UUID, batch_index: int, owner: str, ttl_s: float) -> Claim | None:
        """The right to run the batch, with a new epoch, or None: not due, run by another, ready, or closed."""
        with self._engine.begin() as connection:
            return claims.take(connection, session_id, batch_index, owner=owner, ttl_s=ttl_s)

    def renew(self, held: Sequence[Lease], ttl_s: float) -> Renewal:
        """Give every lease its full time again, in one statement that waits for nobody."""
        with self._committing_each.begin() as connection:
            return leases.renew(connection, held, ttl_s)

    def accept(self, claim: Claim, question: Question, attempt_id: UUID, provider: str) -> None:
        """Commit the question and its event, and fill its slot; one that is filled stays as it is, unless its
        question is disputed and nobody has asked for the batch.

        Raises FenceLost when another run owns the batch, QuestionRepeated when the session has it already,
        and QuestionUnstorable for what no row can hold (a NUL, half a surrogate pair).
        """
        where: dict[str, Any] = {"session_id": claim.session_id, "position": question.slot.position}
        parameters = accept_parameters(claim, question, attempt_id, provider)
        # `from None`: what the database says of a refused row quotes the question, and its key.
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
        """The batch's questions that have no verdict; none for a student who is about to come to it, or has asked
        for it, and none when another run owns it.
        """
        with self._engine.connect() as connection:
            return verdicts.read_unchecked(connection, claim)

    def settle_verdicts(self, claim: Claim, given: Mapping[str, Verdict]) -> tuple[Slot, ...]:
        """Keep the solver's verdicts, by fingerprint; return the slots whose questions may be written again.

        Those of disputed questions, once a slot and only while nobody has asked for the batch or come to it.
        Until another is accepted in its place, the disputed one stays. Raises FenceLost.
        """
        with self._engine.begin() as connection:
            return verdicts.settle(connection, claim, given)

    def finish(self, claim: Claim) -> None:
        """Mark the batch ready and publish what is ready in order.

        Raises FenceLost, and BatchIncomplete while a slot is open.
        """
        with self._engine.begin() as connection:
            published = lock_row(connection, claim.session_id, claim.kind)
            mark_ready(connection, claim)
            _tell(connection, claim, EventKind.BATCH_READY)
            publish_ready(connection, claim.session_id, claim.kind, published=published)

    def give_back(self, claim: Claim, delay_s: float, error_code: str, *, counts_as_failure: bool) -> None:
        """Queue the batch again, not before `delay_s` from now.

        A student who came while it ran waits for no pause of the prefetch that it was. Raises FenceLost.
        """
        is_as_claimed = batches.c.urgency == claim.urgency
        delay = case((is_as_claimed, literal(timedelta(seconds=delay_s))), else_=timedelta(0))
        with self._engine.begin() as connection:
            _change(
                connection,
                claim,
                status=BatchStatus.QUEUED,
                not_before=func.now() + delay,
                enqueued_at=None,
                last_error=error_code,
                failures=batches.c.failures + int(counts_as_failure),
                **NOBODY,
            )

    def fail(self, claim: Claim, error_code: str, *, counts_as_failure: bool = False) -> None:
        """Give the batch up until somebody asks for it again. Raises FenceLost."""
        with self._engine.begin() as connection:
            lock_row(connection, claim.session_id, claim.kind)
            _change(
                connection,
                claim,
                status=BatchStatus.FAILED,
                last_error=error_code,
                failures=batches.c.failures + int(counts_as_failure),
                **NOBODY,
            )
            _tell(connection, claim, EventKind.BATCH_FAILED, code=error_code)
            set_generating(connection, claim.session_id, claim.kind)

    def sweep(
        self, enqueue_again_s: float, limit: int, *, sooner_s: Mapping[Urgency, float] = MappingProxyType({})
    ) -> list[Due]:
        """Queue again what has lapsed, and return at most `limit` due batches that nobody came for in
        `enqueue_again_s`, or in `sooner_s` of their urgency, marked as enqueued. Sweeps at once share the work.
        """
        for step in (release_lapsed, close_orphans):
            with self._engine.begin() as connection:
                step(connection, limit)
        with self._engine.begin() as connection:
            return take_due(connection, enqueue_again_s, limit, sooner_s=sooner_s)

    def mark_all_not_enqueued(self, keys: Sequence[tuple[UUID, int]]) -> None:
        """Say that no message was sent for these batches, so that the next sweep sends one."""
        left = tuple_(batches.c.session_id, batches.c.batch_index).in_(keys)
        with self._engine.begin() as connection:
            connection.execute(update(batches).where(left).values(enqueued_at=None))


def _change(connection: Connection, claim: Claim, **values: Any) -> None:
    """Write the batch's row, which stays locked until the transaction ends. Raises FenceLost."""
    if not connection.execute(update(batches).where(held_by(claim)).values(values)).rowcount:
        raise fence_lost(claim)


def _tell(connection: Connection, claim: Claim, kind: EventKind, **payload: str) -> None:
    record(connection, claim.session_id, kind, {"batchIndex": claim.batch.index, **payload})


def _violates(err: IntegrityError, constraint: str) -> bool:
    return isinstance(err.orig, UniqueViolation) and err.orig.diag.constraint_name == constraint
