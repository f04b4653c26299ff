"""What the OpenAPI description says in addition to the routes."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from generation.model import SessionKind

#: The address of the routes of each kind of session; both kinds share the same routes.
PREFIXES = {SessionKind.EXAM: "/api/exams", SessionKind.PRACTICE: "/api/practice"}

_SECURITY = {
    "student": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The student's Supabase access token",
    },
    "service": {
        "type": "http",
        "scheme": "bearer",
        "description": "The service token, together with X-User-Id",
    },
    "user": {"type": "apiKey", "in": "header", "name": "X-User-Id", "description": "The user's id"},
}


def describe(app: FastAPI) -> None:
    """Add the ways to authenticate to the description."""
    generated = app.openapi

    def described() -> dict[str, Any]:
        schema = generated()
        schema["components"]["securitySchemes"] = _SECURITY
        for path, operations in schema["paths"].items():
            if path.startswith("/api/"):
                for operation in operations.values():
                    operation["security"] = [{"student": []}, {"service": [], "user": []}]
        return schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI documents this way to extend it


def operation_id(route: APIRoute) -> str:
    """The name of the operation in a generated client: `exam_create`, `practice_read_session`."""
    kind = str(route.tags[0])
    return f"{kind}_{route.name.removesuffix(f'_{kind}')}"


def session_links(kind: SessionKind, pointer: str) -> dict[str, Any]:
    """The OpenAPI links from a session's id, at this JSON pointer of the answer, to the calls for that session."""
    return {
        name: {
            "operationId": f"{kind.value}_{name}",
            "parameters": {"session_id": f"$response.body#/{pointer}"},
        }
        for name in (
            "read_session",
            "ask_batch",
            "note_progress",
            "pause_session",
            "resume_session",
            "cancel_session",
        )
    }


def url_of(kind: SessionKind, session_id: object) -> str:
    return f"{PREFIXES[kind]}/{session_id}"


def events_url(kind: SessionKind, session_id: object) -> str:
    return f"{url_of(kind, session_id)}/events"
