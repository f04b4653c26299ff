from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from api.errors import (
    ANSWERS,
    EXACT_SENTENCES,
    ApiError,
    answer,
    code_for,
    documented,
    error_for,
    retry_after,
)
from db.errors import BatchIncomplete, DatabaseStruggling, DatabaseUnreachable, IdempotencyConflict
from generation.errors import (
    BatchNotNext,
    FenceLost,
    GenerationError,
    PlanError,
    ProviderBusy,
    QuestionRepeated,
    SessionClosed,
    SessionMissing,
)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (BatchNotNext(expected=3), 400, "invalid_batch_index"),
        (SessionMissing(), 404, "session_not_found"),
        (SessionClosed(), 409, "session_closed"),
        (PlanError(), 422, "invalid_request"),
        (IdempotencyConflict(), 422, "idempotency_key_reused"),
        (DatabaseUnreachable("Postgres at db:5432 is away."), 503, "service_unavailable"),
        (DatabaseStruggling(), 503, "service_unavailable"),
        (FenceLost(), 500, "internal_error"),
        (QuestionRepeated(), 500, "internal_error"),
        (BatchIncomplete(), 500, "internal_error"),
        (ProviderBusy(provider="claude"), 500, "internal_error"),
        (GenerationError(), 500, "internal_error"),
    ],
)
def test_a_generation_error_has_its_status_and_code_and_none_of_its_own_text(
    error: GenerationError, status: int, code: str
) -> None:
    api_error = error_for(error)
    response = answer(api_error, "request-1")
    body = json.loads(bytes(response.body))

    assert (response.status_code, body["code"], body["requestId"]) == (status, code, "request-1")
    assert body["error"] == ANSWERS[code].sentence
    assert str(error) not in json.dumps(body)


OUR_FAULT = 500


def subclasses(kind: type[GenerationError] = GenerationError) -> Iterator[type[GenerationError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from subclasses(each)


def test_every_generation_error_except_these_is_our_fault() -> None:
    """A subclass of one of these has the same code, so a new subclass cannot be forgotten."""
    statuses = {kind.__name__: ANSWERS[code_for(kind)].status for kind in subclasses()}
    assert {name: status for name, status in statuses.items() if status != OUR_FAULT} == {
        "BatchNotNext": 400,
        "SessionMissing": 404,
        "NotAdopted": 404,
        "Maintenance": 503,
        "SessionNotCompleted": 409,
        "SessionClosed": 409,
        "QuestionNotLoaded": 409,
        "TooManyReports": 429,
        "PlanError": 422,
        "IdempotencyConflict": 422,
        "UserGone": 401,
        "QuotaExhausted": 403,
        "DatabaseUnreachable": 503,
        "DatabaseStruggling": 503,
        "SpendLimitReached": 503,
    }


def test_the_wrong_batch_index_comes_with_the_right_one() -> None:
    body = json.loads(bytes(answer(error_for(BatchNotNext(expected=3)), "r").body))

    assert body["expectedBatchIndex"] == 3


def test_the_table_has_the_promised_codes() -> None:
    promised = {
        "invalid_batch_index": 400,
        "unauthorized": 401,
        "session_not_found": 404,
        "generation_in_progress": 409,
        "invalid_request": 422,
        "too_many_requests": 429,
        "internal_error": 500,
        "generation_unavailable": 503,
    }

    assert promised.items() <= {code: answer.status for code, answer in ANSWERS.items()}.items()


def test_every_sentence_is_short_arabic_without_a_technical_word() -> None:
    sentences = [each.sentence for each in ANSWERS.values()] + list(EXACT_SENTENCES.values())

    assert len(set(sentences)) == len(sentences)
    for sentence in sentences:
        assert re.fullmatch(r"[\u0600-\u06ff ،.]{10,80}\.", sentence), sentence


def test_a_temporary_error_has_retry_after() -> None:
    response = answer(ApiError("generation_unavailable", retry_after_s=4.2), "r")

    assert response.headers["Retry-After"] == "5"
    assert retry_after(-3) == retry_after(0) == "1"
    assert "Retry-After" not in answer(ApiError("session_closed"), "r").headers


def test_no_cache_stores_an_error_and_401_says_how_to_authenticate() -> None:
    assert answer(ApiError("session_not_found"), "r").headers["Cache-Control"] == "no-store"
    assert answer(ApiError("unauthorized"), "r").headers["WWW-Authenticate"] == "Bearer"


def test_codes_with_the_same_status_are_documented_together() -> None:
    described = documented("generation_in_progress", "session_closed", "unauthorized")

    assert set(described) == {409, 401}
    assert described[409]["description"] == "`generation_in_progress` or `session_closed`"
