"""What the codes of the ledger mean, in words for an operator who has never read the code."""

from __future__ import annotations

#: How a model call ended. A code that is not here is shown as it is.
OUTCOMES: dict[str, str] = {
    "complete": "complete",
    "open": "still running",
    "lost": "its worker vanished in mid-call",
    "lease_lost": "stopped: its worker no longer held the batch",
    "fence_lost": "stopped: another worker held the batch",
    "shutdown": "stopped: its worker was shut down",
    "deadline": "stopped: the run took too long",
    "lane_failed": "stopped, because another lane of the run failed",
    "fruitless": "stopped, because the replies of other lanes brought nothing",
    "session_closed": "stopped: the session was closed",
    "empty_reply": "the reply ended and brought nothing",
    "provider_failed": "the provider failed",
    "provider_busy": "the provider was overloaded or limited our rate",
    "provider_throttled": "our own rate limiter did not admit it",
    "connections_exhausted": "all of our connections were in use",
    "circuit_open": "the circuit breaker was open",
    "provider_unreachable": "the provider could not be reached",
    "stale_connection": "a kept connection was dead; it was opened again",
    "stream_stalled": "the reply stopped growing",
    "stream_cut": "the reply broke off",
    "provider_refused": "the model declined",
    "content_filtered": "a content filter blocked it",
    "provider_misused": "the provider says that our request is wrong",
    "provider_denied": "the provider did not accept our key or account",
}

#: Of the answer check.
VERDICTS: dict[str, str] = {
    "agreed": "agreed with our key",
    "disputed": "disputed, and kept",
    "unchecked": "not checked, or not sure",
}

#: What the answer check found; see generation.verdicts.Doubt.
DOUBTS: dict[str, str] = {
    "other_answer": "another answer",
    "no_right_answer": "no right answer",
    "second_right_answer": "a second right answer",
    "passage": "the question does not fit its passage",
    "language": "doubtful language",
    "outweighed": "another answer, but our key is proved",
}

_ENDED_BY_THEMSELVES = {
    "lost": "The worker that wrote it vanished in mid-stream. Its lease lapsed",
    "lease_lost": "The worker that wrote it could not renew its lease",
    "fence_lost": "The worker that wrote it had lost its batch",
    "shutdown": "The worker that wrote it was shut down, as for a deploy, and released it",
    "deadline": "The run reached its time limit",
}


def outcome(code: str) -> str:
    return OUTCOMES.get(code, code.replace("_", " "))


def verdict(code: str) -> str:
    return VERDICTS.get(code, code.replace("_", " "))


def doubt(code: str) -> str:
    return DOUBTS.get(code, code.replace("_", " "))


def why_again(outcomes: list[str]) -> str:
    """Why a batch had another run, from how the calls of the run before ended."""
    for code, sentence in _ENDED_BY_THEMSELVES.items():
        if code in outcomes:
            return f"{sentence}; this run took over and asked only for the questions that were missing."
    failed = sorted({outcome(code) for code in outcomes if code != "complete"})
    if failed:
        return f"The run before left open slots ({', '.join(failed)}); this one asked only for those."
    return "The run before left open slots; this one asked only for those."
