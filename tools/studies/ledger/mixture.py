"""Every kind of trouble that the simulator can make, at random, so that most calls still get somewhere."""

from __future__ import annotations

from random import Random
from typing import Any

from tools.simulator.faults import Fault
from tools.simulator.usage_shapes import USAGE_SHAPES

#: Errors that a provider answers with instead of a reply: status, type, code.
_REFUSALS: tuple[tuple[int, str | None, str | None], ...] = (
    (400, "invalid_request_error", None),
    (401, "authentication_error", None),
    (402, "billing_error", None),
    (403, "permission_error", None),
    (404, "not_found_error", None),
    (408, None, None),
    (409, "conflict_error", None),
    (413, "request_too_large", None),
    (422, None, None),
    (429, "rate_limit_error", "enforced_spend_limit_reached"),
    (429, "rate_limit_error", "ramp_limit_exceeded"),
    (499, None, None),
    (500, "api_error", None),
    (503, None, None),
    (504, "timeout_error", None),
    (529, "overloaded_error", None),
)

#: Refusals of one request that only their wording tells apart from a mistake of ours.
_WORDED: tuple[tuple[int, str], ...] = (
    (400, "Output blocked by content filtering policy"),
    (400, "Your credit balance is too low to access the Anthropic API."),
    (400, "You have reached your specified API usage limits."),
)

#: A beginning of a reply that is long enough to say what its input cost, and one that is not. Bytes.
READABLE, UNREADABLE = 2_000, 300

#: What an error event of OpenRouter's names.
_NAMED = (402, 403, 429, 502)

#: Simulated letters into a reply; some lie behind its end, and then nothing is missing but the end.
_LETTERS = 4_000


def mixture(seed: int, *, stall_s: float) -> list[Fault]:
    """Rules for a fault book, each of which strikes a few calls in a hundred, about 70 in a hundred in all.

    `stall_s` is longer than our time limit for a first word, in the simulator's seconds.
    """
    rng = Random(f"mixture:{seed}")
    faults = [_refusal(*refusal) for refusal in _REFUSALS]
    faults += [_rare("overloaded"), _rare("rate_limit", retry_after=1), _rare("reset_early")]
    faults += [_rare("slow_first_token", seconds=stall_s), _rare("slow", factor=3)]
    for kind in ("cut", "reset", "no_stop", "stall", "error_event", "refusal", "max_tokens"):
        faults += [_rare(kind), _rare(kind, after_questions=rng.randint(1, 4))]
        faults += [_rare(kind, after_chars=rng.randrange(_LETTERS)) for _ in range(2)]
    faults += [_rare("cut", after_bytes=rng.randint(READABLE, 20_000)) for _ in range(3)]
    faults += [_rare("reset", after_bytes=rng.randint(READABLE, 20_000)) for _ in range(2)]
    faults += [_rare("cut", after_bytes=UNREADABLE, rate=0.005)]
    faults += [_rare("error_event", after_questions=1, error_type="api_error"), _rare("unknown_event")]
    faults += [_rare("http", rate=0.006, status=status, message=text) for status, text in _WORDED]
    faults += [_rare("http", rate=0.01, status=403, flagged=True, route="openrouter")]
    faults += [_rare("error_event", rate=0.01, names_status=status, route="openrouter") for status in _NAMED]
    faults += [_rare("error_event", rate=0.01, error_type="invalid_request_error", message=_WORDED[0][1])]
    faults += [_rare("usage", rate=0.01, usage=shape) for shape in USAGE_SHAPES]
    faults += [_rare("cut", rate=0.005, usage=shape) for shape in ("zeros_at_start", "none", "strings")]
    rng.shuffle(faults)
    return faults


def _refusal(status: int, error_type: str | None, error_code: str | None) -> Fault:
    return _rare("http", rate=0.006, status=status, error_type=error_type, error_code=error_code)


def _rare(kind: str, *, rate: float = 0.016, **details: Any) -> Fault:
    return Fault(kind, rate=rate, **details)
