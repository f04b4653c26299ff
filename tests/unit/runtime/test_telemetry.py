from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Literal

import pytest
import structlog

from runtime.telemetry import configure_logging


@pytest.fixture
def log() -> structlog.stdlib.BoundLogger:
    configure_logging(level="INFO", log_format="json")
    logger: structlog.stdlib.BoundLogger = structlog.get_logger("test")
    return logger


def test_a_line_is_one_object_with_the_bound_ids_and_arabic_as_written(
    log: structlog.stdlib.BoundLogger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(level="INFO", log_format="json")
    with structlog.contextvars.bound_contextvars(session="s1", task_id="t1"):
        log.info("batch_named", topic="الجبر")
    line = capsys.readouterr().out
    reported = json.loads(line)
    assert (reported["event"], reported["session"], reported["task_id"], reported["level"]) == (
        "batch_named",
        "s1",
        "t1",
        "info",
    )
    assert "الجبر" in line


@pytest.mark.parametrize(
    "secret",
    [
        "postgresql://tafawoq:hunter2hunter2@postgres/tafawoq",
        "redis://:hunter2hunter2@redis:6379/0",
        "x-api-key: sk-ant-api03-hunter2hunter2",
        "Authorization: Bearer hunter2hunter2",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.hunter2hunter2",
    ],
)
def test_a_secret_in_a_line_is_starred_whoever_wrote_it(
    secret: str, log: structlog.stdlib.BoundLogger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(level="INFO", log_format="json")
    log.warning("oops", address=secret)
    logging.getLogger("some.library").warning("cannot reach %s", secret)
    reported = capsys.readouterr().out
    assert reported.count("***") == 2
    assert "hunter2" not in reported


@pytest.mark.parametrize("around", ["{}", "-{}-x", "a.{}.b", "token={}, more", "x_{}"])
def test_a_jwt_is_starred_wherever_it_stands(
    around: str, log: structlog.stdlib.BoundLogger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(level="INFO", log_format="json")
    log.warning(around.format("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.hunter2hunter2"))
    reported = capsys.readouterr().out
    assert "***" in reported
    assert "hunter2" not in reported
    assert "eyJ" not in reported


def test_a_value_that_somebody_else_chose_is_cut_and_the_line_stays_one_object(
    log: structlog.stdlib.BoundLogger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(level="INFO", log_format="json")
    log.warning("oops", path="-eyJ" * 15_000, many=["x" * 3_000] * 1_000, inner={"deep": "y" * 90_000})
    logging.getLogger("some.library").warning("cannot read %s", "z" * 90_000)
    ours, theirs = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "(60000 characters)" in ours["path"]
    assert max(len(ours["path"]), len(ours["inner"]["deep"]), len(theirs["event"])) < 2_100
    assert len(ours["many"]) == 50


def test_an_exception_is_told_by_class_and_place_without_its_text(
    log: structlog.stdlib.BoundLogger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(level="INFO", log_format="json")
    try:
        try:
            int("the right answer")
        except ValueError as err:
            raise TypeError("DETAIL: the row holds the right answer") from err
    except TypeError:
        log.exception("run_crashed")
        logging.getLogger("library").exception("it broke")
    ours, theirs = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for reported in (ours, theirs):
        assert reported["raised"] == ["TypeError", "ValueError"]
        assert "test_an_exception_is_told" in reported["raised_at"][-1]
        assert "right answer" not in json.dumps(reported)


@pytest.mark.parametrize(
    ("teller", "event"), [("celery.app.trace", "task_failed"), ("celery.worker", "celery_failed")]
)
def test_celerys_own_sentence_about_what_failed_is_not_told(
    teller: str, event: str, log: structlog.stdlib.BoundLogger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(level="INFO", log_format="json")
    try:
        int("the right answer")
    except ValueError:
        logging.getLogger(teller).exception("Task x raised unexpected: the right answer")
    reported = json.loads(capsys.readouterr().out)
    assert (reported["event"], reported["raised"]) == (event, ["ValueError"])
    assert "right answer" not in json.dumps(reported)


@pytest.mark.parametrize(("level", "lines"), [("INFO", 0), ("DEBUG", 1)])
def test_a_request_that_a_library_tells_of_too_is_told_once(
    level: str, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(level=level, log_format="json")
    logging.getLogger("httpx2").info("HTTP Request: POST")
    assert capsys.readouterr().out.count("HTTP Request") == lines


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_a_request_is_never_quoted_by_the_library_that_sends_it(
    level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(level=level, log_format="json")
    logging.getLogger("anthropic._base_client").debug("Request options: the stem of a question")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize(
    "foreign",
    ["\ud800", "\x1b[31mred", "\u202egnp.exe", "a\u2028b", "a\x85b", "\x00", "\u2066\u2069", "\r\x1b[2K"],
)
def test_what_would_break_a_stream_or_change_a_terminal_is_shown_as_an_escape(
    foreign: str, log_format: Literal["json", "console"], tmp_path: Path
) -> None:
    """Half a character lost the whole line, with a traceback in its place."""
    with (tmp_path / "log").open("w", encoding="utf-8") as stream:
        configure_logging(level="INFO", log_format=log_format, stream=stream)
        structlog.get_logger("test").info("named", name=foreign, names=[foreign], by_name={foreign: foreign})
        logging.getLogger("some.library").info("a message of %s", foreign)

    written = (tmp_path / "log").read_text(encoding="utf-8")
    assert [len(line) > 0 for line in written.splitlines()] == [True, True]
    assert written.replace("\n", "").isprintable()


def test_arabic_and_line_breaks_are_written_as_they_were(
    log: structlog.stdlib.BoundLogger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(level="INFO", log_format="json")
    log.info("named", topic="الجبر\nوالهندسة")

    assert json.loads(capsys.readouterr().out)["topic"] == "الجبر\nوالهندسة"
