"""A student's browser for tests: the calls that the web app makes, with everything it was told kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2

TIMEOUT_S = 60


@dataclass
class Student:
    url: str
    kind: str = "exams"
    user_id: str = field(default_factory=lambda: str(uuid4()))
    reported: list[str] = field(default_factory=list)  #: every body that came back
    session_id: str = ""
    headers: dict[str, str] = field(default_factory=dict)  #: of every call, beside their name

    def call(self, method: str, path: str, *, prefer: str | None = None, **options: Any) -> httpx2.Response:
        headers = {"X-User-Id": self.user_id} | self.headers | ({"Prefer": prefer} if prefer else {})
        url = f"{self.url}/api/{self.kind}{path}"
        response = httpx2.request(method, url, headers=headers, timeout=TIMEOUT_S + 10, **options)
        self.reported.append(response.text)
        return response

    def begin(self, wanted: dict[str, Any], *, prefer: str | None = None) -> dict[str, Any]:
        response = self.call("POST", "", json=wanted, prefer=prefer)
        assert response.status_code == 201, response.text
        session: dict[str, Any] = response.json()
        self.session_id = session["id"]
        return session

    def session(self) -> dict[str, Any]:
        session: dict[str, Any] = self.call("GET", f"/{self.session_id}").json()
        return session

    def reach(self, position: int) -> int | None:
        """Post progress; the index of the batch that this call scheduled, if it did."""
        response = self.call("POST", f"/{self.session_id}/progress", json={"questionIndex": position})
        assert response.status_code == 202, response.text
        prefetch = response.json()["prefetch"]
        return None if prefetch is None else int(prefetch["batchIndex"])

    def ask(self, batch_index: int, *, timeout_s: int = TIMEOUT_S) -> httpx2.Response:
        return self.call(
            "POST",
            f"/{self.session_id}/questions",
            json={"batchIndex": batch_index},
            prefer=f"wait={timeout_s}",
        )

    def take(self, batch_index: int) -> list[dict[str, Any]]:
        response = self.ask(batch_index)
        assert response.status_code == 200, response.text
        questions: list[dict[str, Any]] = response.json()["questions"]
        return questions
