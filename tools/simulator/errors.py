"""Refusals as the Messages API words them: a status, a type, a message, sometimes a code and a wait."""

from __future__ import annotations

from typing import Any

TYPE_OF_STATUS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    499: "api_error",
    500: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class ApiError(Exception):
    """The API refuses the request. `retry_after` is in real seconds."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str | None = None,
        error_code: str | None = None,
        retry_after: float | None = None,
        should_retry: bool | None = None,
        limits: dict[str, str] | None = None,
        flagged: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind or TYPE_OF_STATUS.get(status, "api_error")
        self.error_code = error_code
        self.retry_after = retry_after
        self.should_retry = should_retry
        self.limits = limits or {}
        self.flagged = flagged

    def body(self, request_id: str, *, openrouter: bool = False) -> dict[str, Any]:
        """The error envelope. OpenRouter's carries its own error_type beside Anthropic's."""
        error: dict[str, Any] = {"type": self.kind, "message": self.message}
        if self.error_code is not None:
            error["details"] = {"error_code": self.error_code}
        if openrouter:
            error["error_type"] = self.kind.removesuffix("_error")
        if self.flagged:
            error["metadata"] = {
                "reasons": ["violence"],
                "flagged_input": "...",
                "provider_name": "Anthropic",
            }
        return {"type": "error", "error": error, "request_id": request_id}

    def headers(self) -> dict[str, str]:
        found = dict(self.limits)
        if self.retry_after is not None:
            found["retry-after"] = f"{self.retry_after:g}"
        if self.should_retry is not None:
            found["x-should-retry"] = "true" if self.should_retry else "false"
        return found


def bad_request(message: str) -> ApiError:
    return ApiError(400, message)
