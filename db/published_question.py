"""A question as the web app's row has it: what was written, and what is known against it.

The row is for the web app's server. `graded` is false where an answer must not count; `check` is the answer
check's verdict. After a person changed the question, there is also `change` (how and when), `wasRead` (whether the
student had come to it by then) and `previous` (what they saw). Of all this the API sends only `change`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    Text,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, aggregate_order_by, array

from db.tables import WEB_APP_TABLES, exam_sessions, questions
from generation.model import OUR_OWN_FIELDS, SessionKind
from generation.verdicts import UNCHECKED, Verdict

#: What a person decided. An accepted question stays as it is.
ACCEPTED, CORRECTED, RETIRED, REPLACED = "accepted", "corrected", "retired", "replaced"

_is_changed = questions.c.review.in_([CORRECTED, RETIRED, REPLACED])
_empty = text("'{}'::jsonb")

#: A dispute counts until a person has decided; a decision for the question outweighs it.
is_graded: ColumnElement[bool] = func.coalesce(
    case(
        (questions.c.review == RETIRED, False),
        (questions.c.review.in_([ACCEPTED, CORRECTED]), True),
        else_=questions.c.solver_verdict != Verdict.DISPUTED,
    ),
    True,
)


def content_with_change() -> ColumnElement[Any]:
    """The question's content as the API reads it: with `change` after a person changed the question."""
    return questions.c.content.concat(_change())


def _change() -> ColumnElement[Any]:
    """`{"change": {"kind", "at"}}` after a person changed the question, else an empty object."""
    change = func.jsonb_build_object("kind", questions.c.review, "at", questions.c.reviewed_at)
    return case((_is_changed, func.jsonb_build_object("change", change)), else_=_empty)


def _shared(content: ColumnElement[Any]) -> ColumnElement[Any]:
    """What the web app gets of a question's content."""
    return content.op("-", return_type=JSONB)(cast(array(OUR_OWN_FIELDS), ARRAY(Text)))


def published_content() -> ColumnElement[Any]:
    """The JSON of the row's element, from the columns of generation.questions."""
    check = func.jsonb_strip_nulls(
        func.jsonb_build_object(
            "verdict",
            func.coalesce(questions.c.solver_verdict, UNCHECKED),
            "reasons",
            func.coalesce(func.to_jsonb(questions.c.solver_reasons), text("'[]'::jsonb")),
            "words",
            questions.c.doubtful_words,
            "solver",
            questions.c.solver_model,
            "at",
            questions.c.checked_at,
        )
    )
    known = func.jsonb_build_object("check", check, "graded", is_graded)
    was_read = func.jsonb_build_object("wasRead", func.coalesce(questions.c.was_read, False))
    before = func.jsonb_build_object("previous", _shared(questions.c.previous))
    return (
        _shared(questions.c.content)
        .concat(known)
        .concat(_change())
        .concat(case((_is_changed, was_read), else_=_empty))
        .concat(case((and_(_is_changed, questions.c.previous.is_not(None)), before), else_=_empty))
    )


def refresh_row(
    connection: Connection, session_id: UUID, kind: SessionKind, positions: Collection[int]
) -> None:
    """Write these questions into the web app's row again, each in its place. The caller has locked the row.

    Only elements that are there are replaced: the batch of any other question is not published yet.
    """
    table = WEB_APP_TABLES[kind]
    fresh = (
        select(questions.c.content["id"].astext.label("id"), published_content().label("content"))
        .where(questions.c.session_id == session_id, questions.c.position.in_(list(positions)))
        .subquery("fresh")
    )
    elements = (
        func.jsonb_array_elements(table.c.questions)
        .table_valued("value", with_ordinality="n")
        .render_derived(name="old")
    )
    was = cast(elements.c.value, JSONB)
    now = func.coalesce(fresh.c.content, was)
    rewritten = (
        select(func.jsonb_agg(aggregate_order_by(now, elements.c.n)))
        .select_from(elements.outerjoin(fresh, fresh.c.id == was["id"].astext))
        .correlate(table)
        .scalar_subquery()
    )
    connection.execute(
        update(table)
        .where(
            table.c.id == session_id,
            func.jsonb_typeof(table.c.questions) == "array",
            func.jsonb_array_length(table.c.questions) > 0,
        )
        .values(questions=rewritten, **touched(table))
    )


def touched(table: Table) -> dict[str, Any]:
    """The time of the change, in the table of the web app that stores one."""
    return {"updated_at": func.now()} if table is exam_sessions else {}


def is_in_doubt() -> ColumnElement[bool]:
    """A question that no person has decided about, and that the answer check disputes or whose language it doubts."""
    return and_(
        questions.c.review.is_(None),
        or_(questions.c.solver_verdict == Verdict.DISPUTED, questions.c.doubtful_words.is_not(None)),
    )
