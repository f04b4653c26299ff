"""`review`: the questions that are disputed, reported or of doubtful language, one by one, for a person to decide."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import click
import typer
from sqlalchemy.exc import IntegrityError

from db.errors import QuestionChanged
from db.review_queue import Doubtful, ReviewQueue
from db.reviews import ReviewStore
from generation.corrections import CORRECTABLE, CorrectionRejected, checked
from generation.errors import GenerationError, SpendLimitReached
from generation.ports import Fallback
from generation.verdicts import Verdict
from providers.fallback import make_fallback
from providers.redis_scripts import RedisScripts
from runtime.redis import make_redis
from runtime.settings import (
    ClaudeSettings,
    GenerationSettings,
    OpenRouterSettings,
    RedisSettings,
    TrafficSettings,
    load,
)
from worker.commands.output import WRONG, AsJson, print_json, refuse
from worker.commands.review_page import caption_of, known, page
from worker.commands.stores import Stores, stores
from worker.replacing import write_replacement

_REDIS_TIMEOUT_S = 2.0


class Action(StrEnum):
    ACCEPT = "accept"
    CORRECT = "correct"
    RETIRE = "retire"
    REPLACE = "replace"
    SKIP = "skip"
    QUIT = "quit"


def review(
    question: Annotated[
        str | None, typer.Option(help="Only this question: SESSION/POSITION, the position 0-based.")
    ] = None,
    decision: Annotated[Action | None, typer.Option(help="Decide about --question, without asking.")] = None,
    correction: Annotated[
        Path | None, typer.Option(help=f"A JSON file with what to change: {', '.join(CORRECTABLE)}.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the questions with their figures to this page.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many questions at most.")] = 20,
    *,
    as_json: AsJson = False,
) -> None:
    """Work through the questions in doubt: accept, correct, retire, or replace each. Shows keys.

    With --json or --html the questions are only listed, unless a decision is given.
    """
    with stores() as at:
        found = _found(at, question, limit)
        if html is not None:
            html.write_text(page(found), encoding="utf-8")
            typer.echo(f"{len(found)} questions are in {html}.", err=as_json)
        if decision is not None:
            if question is None:
                refuse("A --decision needs a --question.", code=WRONG)
            typer.echo(_decide(at, found[0], decision, _changes(correction)))
        elif as_json:
            print_json([asdict(each) for each in found])
        elif html is None:
            _one_by_one(at, found)


def _found(at: Stores, question: str | None, limit: int) -> list[Doubtful]:
    queue = ReviewQueue(at.engine)
    if question is None:
        return queue.waiting(limit)
    session, _, position = question.partition("/")
    try:
        one = queue.one(UUID(session), int(position))
    except ValueError:
        refuse(
            "A --question is SESSION/POSITION, such as 01234567-89ab-cdef-0123-456789abcdef/12.", code=WRONG
        )
    if one is None:
        refuse(f"There is no question {question}.")
    return [one]


def _changes(correction: Path | None) -> dict[str, Any]:
    if correction is None:
        return {}
    try:
        changes = json.loads(correction.read_text("utf-8"))
    except (OSError, ValueError) as err:
        refuse(f"{correction} cannot be read as JSON ({type(err).__name__}).", code=WRONG)
    if not isinstance(changes, dict):
        refuse(f"{correction} must hold one JSON object.", code=WRONG)
    return changes


def _one_by_one(at: Stores, found: list[Doubtful]) -> None:
    if not found:
        typer.echo("No question is in doubt.")
    for number, each in enumerate(found, 1):
        typer.echo(f"\n{number} of {len(found)}: {each.kind} {each.session_id}, question {each.position}")
        show(each)
        action = typer.prompt(
            "accept, correct, retire, replace, skip or quit", type=Action, default=Action.SKIP
        )
        if action is Action.QUIT:
            return
        changes = _edited(each) if action is Action.CORRECT else {}
        typer.echo(_decide(at, each, action, changes))


def show(found: Doubtful) -> None:
    """The question as the student sees it, then what is known for and against it."""
    content = found.content
    if "passage" in content:
        typer.echo(f"\n{content['passage']}")
    typer.echo(f"\n{content['stem']}")
    if content.get("diagram"):
        typer.echo(f"[{caption_of(content['diagram']) or 'a figure without a caption'}]")
    for index, choice in enumerate(content["choices"]):
        typer.echo(f"  {'*' if index == content['answerIndex'] else ' '} {index} {choice}")
    typer.echo(f"\n{content['explanation']}\n")
    for line in known(found):
        typer.echo(f"- {line}")


def _edited(found: Doubtful) -> dict[str, Any]:
    """What the person changed in their editor; nothing when they closed it without a change."""
    fields = {name: found.content[name] for name in CORRECTABLE if name in found.content}
    text = click.edit(json.dumps(fields, ensure_ascii=False, indent=2), extension=".json")
    try:
        changes = json.loads(text or "{}")
    except ValueError:
        return {}
    return changes if isinstance(changes, dict) else {}


def _decide(at: Stores, found: Doubtful, action: Action, changes: dict[str, Any]) -> str:
    """The sentence that says what was done."""
    reviews = ReviewStore(at.engine)
    deeds: dict[Action, Callable[[], str]] = {
        Action.ACCEPT: lambda: _accept(reviews, found),
        Action.CORRECT: lambda: _correct(reviews, found, changes),
        Action.RETIRE: lambda: _retire(reviews, found),
        Action.REPLACE: lambda: _replace(at, reviews, found),
        Action.SKIP: lambda: "Nothing is decided.",
        Action.QUIT: lambda: "Nothing is decided.",
    }
    try:
        return deeds[action]()
    except (CorrectionRejected, QuestionChanged, SpendLimitReached) as err:
        return f"Nothing is decided: {err}"
    except IntegrityError:  # its message would quote the question
        return "Nothing is decided: the session has this question already."


def _accept(reviews: ReviewStore, found: Doubtful) -> str:
    reviews.accept(found)
    return "Accepted: the question counts."


def _correct(reviews: ReviewStore, found: Doubtful, changes: dict[str, Any]) -> str:
    made = checked(found.content, changes)
    reviews.correct(found, made)
    return f"Corrected: {', '.join(made)}."


def _retire(reviews: ReviewStore, found: Doubtful) -> str:
    elsewhere = reviews.retire(found)
    return f"Retired: the question counts for nothing, here and in {elsewhere} other places."


def _replace(at: Stores, reviews: ReviewStore, found: Doubtful) -> str:
    at.batches.check_spending(found.session_id)
    with _providers() as providers:
        try:
            new = write_replacement(found, at.engine, providers, at.ledger)
        except GenerationError as err:
            return f"Nothing is replaced: {err}"
    if new is None:
        return "Nothing is replaced: no provider wrote an acceptable question for this slot. Try again, or retire it."
    if new.finding is not None and new.finding.verdict is Verdict.DISPUTED:
        return (
            "Nothing is replaced: the solver disputes every other question as well. Try again, or retire it."
        )
    reviews.replace(found, new)
    return f"Replaced: {new.question.stem}"


@contextmanager
def _providers() -> Iterator[Fallback]:
    redis_settings = load(RedisSettings)
    redis = make_redis(redis_settings, timeout_s=_REDIS_TIMEOUT_S)
    providers = make_fallback(
        load(ClaudeSettings),
        load(OpenRouterSettings),
        load(GenerationSettings),
        traffic=load(TrafficSettings),
        scripts=RedisScripts(redis, prefix=redis_settings.redis_key_prefix),
    )
    try:
        yield providers
    finally:
        providers.close()
        redis.close()
