"""Students' reports about questions: each student once about each text, and so many a day."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, Engine, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from db.errors import QuestionNotLoaded, TooManyReports
from db.session_row import read_session
from db.tables import plans, questions, reports
from generation.errors import SessionMissing
from generation.model import SessionKind
from generation.reports import MAX_REPORT_CHARS, ReportReason, printable

#: More than a student finds in an exam; what is more is no report.
REPORTS_A_DAY = 50
_DAY = timedelta(days=1)


class ReportStore:
    """Every method is one short transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(
        self,
        session_id: UUID,
        kind: SessionKind,
        user_id: UUID,
        *,
        position: int,
        reason: ReportReason,
        text: str,
    ) -> bool:
        """Keep the report; False when the user has reported this question before, which stays as it was.

        A question that was replaced since may be reported again. Raises SessionMissing, also for another user's
        session or one of another kind, QuestionNotLoaded, and TooManyReports.
        """
        said = printable(text)[:MAX_REPORT_CHARS] or None
        with self._engine.begin() as connection:
            session = read_session(connection, session_id)
            if (session.kind, session.user_id) != (kind, user_id):
                raise SessionMissing(session_id=session_id)
            fingerprint = connection.execute(
                select(questions.c.fingerprint).where(
                    questions.c.session_id == session_id, questions.c.position == position
                )
            ).scalar_one_or_none()
            if fingerprint is None:
                raise QuestionNotLoaded(session_id=session_id, position=position)
            _check_day(connection, user_id)
            report = {"position": position, "fingerprint": fingerprint, "reason": reason, "text": said}
            kept = insert(reports).values(session_id=session_id, user_id=user_id, **report)
            stored = kept.on_conflict_do_nothing().returning(reports.c.position)
            return connection.execute(stored).one_or_none() is not None


def _check_day(connection: Connection, user_id: UUID) -> None:
    """The user's plans are few, and the reports of a session as well; reports at one instant may pass together."""
    latest = (
        select(func.count())
        .select_from(reports.join(plans, plans.c.session_id == reports.c.session_id))
        .where(plans.c.user_id == user_id, reports.c.created_at > func.now() - literal(_DAY))
    )
    if connection.execute(latest).scalar_one() >= REPORTS_A_DAY:
        raise TooManyReports
