"""The maintenance switch, the web app's own or a setting: no new session, and those in progress go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import Engine, text

from db.maintenance import MaintenanceSwitch
from tests.integration.api.conftest import Serve
from tests.integration.api.served import Writer
from tests.integration.api.test_batches import ask

SENTENCE = "نعود عند العاشرة."
PRACTICE = {"section": "verbal", "categories": ["analogy"], "difficulty": "easy", "questionCount": 5}

Switch = Callable[..., None]


@pytest.fixture
def switch(engine: Engine) -> Iterator[Switch]:
    """Makes the web app's table, and turns the switch there."""
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE feature_toggles (feature_name text PRIMARY KEY, is_enabled boolean, description text)"
            )
        )

    def turn(on: bool, description: str | None = SENTENCE) -> None:
        values = {"on": on, "description": description}
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM feature_toggles"))
            connection.execute(
                text("INSERT INTO feature_toggles VALUES ('maintenance_mode', :on, :description)"), values
            )

    yield turn
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE feature_toggles"))


def test_no_session_begins_and_a_running_one_goes_on(
    student: httpx2.Client, writer: Writer, exam_id: str, switch: Switch
) -> None:
    writer.finish()
    switch(True)

    for path, body in (("/exams", {"track": "scientific"}), ("/practice", PRACTICE)):
        refused = student.post(path, json=body, headers={"Idempotency-Key": "k" + path[1:]})
        assert (refused.status_code, refused.json()["code"]) == (503, "maintenance")
        assert refused.json()["error"] == SENTENCE
        assert int(refused.headers["Retry-After"]) > 60
    with writer.at_work():
        assert ask(student, exam_id, 1).status_code == 200

    switch(False)
    headers = {"Idempotency-Key": "kexams", "Prefer": "respond-async"}
    assert student.post("/exams", json={"track": "scientific"}, headers=headers).status_code == 201


def test_a_call_that_created_its_session_before_is_answered_with_it(
    student: httpx2.Client, switch: Switch
) -> None:
    headers = {"Idempotency-Key": "once", "Prefer": "respond-async"}
    first = student.post("/exams", json={"track": "scientific"}, headers=headers)
    switch(True)
    again = student.post("/exams", json={"track": "scientific"}, headers=headers)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])


@pytest.mark.parametrize("description", [None, "", "Enable maintenance mode", "ص" * 1000])
def test_only_an_arabic_sentence_of_bounded_length_is_shown(
    student: httpx2.Client, switch: Switch, description: str | None
) -> None:
    switch(True, description)
    sentence = student.post("/exams", json={"track": "scientific"}).json()["error"]
    assert "الصيانة" in sentence or sentence == "ص" * 300


def test_the_setting_refuses_without_the_web_apps_table(serve: Serve) -> None:
    served = serve(maintenance=MaintenanceSwitch(on=True))
    with served.client(uuid4()) as student:
        refused = student.post("/exams", json={"track": "scientific"})
    assert (refused.status_code, refused.json()["code"]) == (503, "maintenance")
