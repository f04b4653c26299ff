"""What kills throw away: each reply on the simulator's bill, held against the questions that are rows.

A reply belongs to a killed worker when no call in the ledger ever learned its message id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from runtime.settings import ClaudeSettings
from tools.chaos import audit
from tools.chaos.conductor import Struck
from tools.chaos.faults import Kind

Span = tuple[datetime, datetime]

#: A reply that was frozen, or waited for Postgres, so shortly before its kill piled up unread.
_PILES_UP_FOR = timedelta(seconds=15)

_KEPT = """
SELECT encode(sha256(convert_to((content->>'stem') || E'\\n' || (content->>'explanation'), 'UTF8')), 'hex')
FROM generation.questions
"""
_TOLD = "SELECT message_id, outcome FROM generation.attempts WHERE message_id IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply that was billed."""

    outcome: str  #: of its call in the ledger; "killed" for one that the ledger does not know
    ended_at: datetime
    finished: int  #: questions that had left as a whole
    kept: int  #: of them, in the database
    output: int  #: tokens, billed
    kept_tokens: int

    @property
    def thrown_away(self) -> int:
        return self.finished - self.kept

    @property
    def paid_again(self) -> int:
        """Tokens of output that brought no question."""
        return max(0, self.output - self.kept_tokens)


_SOLVER = ClaudeSettings.model_fields["solver_model"].default

KILLED = "killed"
UNDISTURBED = "killed, nothing else hurt before"


def replies(url: str, bill: Iterable[Mapping[str, Any]]) -> list[Reply]:
    """Every entry of an itemized bill that was to bring questions: an answer check brings none."""
    kept = {digest for (digest,) in audit.rows(url, _KEPT)}
    outcomes = dict(audit.rows(url, _TOLD))
    return [_reply(entry, kept, outcomes) for entry in bill if entry["model"] != _SOLVER]


def _reply(entry: Mapping[str, Any], kept: set[str], outcomes: Mapping[str, str]) -> Reply:
    there = [tokens for digest, tokens in entry["left"] if digest in kept]
    return Reply(
        outcome=outcomes.get(entry["message_id"], KILLED),
        ended_at=datetime.fromtimestamp(entry["ended_at"], UTC),
        finished=len(entry["left"]),
        kept=len(there),
        output=entry["output"],
        kept_tokens=sum(there),
    )


def reported(found: Sequence[Reply], struck: Sequence[Struck], *, away: Sequence[Span]) -> dict[str, Any]:
    """The figures by how calls ended; of the killed ones apart where nothing else was hurt before."""
    by_outcome: dict[str, list[Reply]] = {}
    for reply in found:
        by_outcome.setdefault(reply.outcome, []).append(reply)
    groups = dict(sorted(by_outcome.items()))
    groups[UNDISTURBED] = [
        reply for reply in by_outcome.get(KILLED, []) if not _had_piled_up(reply, struck, away)
    ]
    return {name: _summed(group) for name, group in groups.items()}


def _summed(group: Sequence[Reply]) -> dict[str, int]:
    return {
        "calls": len(group),
        "finished": sum(reply.finished for reply in group),
        "thrown_away": sum(reply.thrown_away for reply in group),
        "thrown_away_of_one_call": max((reply.thrown_away for reply in group), default=0),
        "output_tokens": sum(reply.output for reply in group),
        "tokens_paid_again": sum(reply.paid_again for reply in group),
        "tokens_paid_again_of_one_call": max((reply.paid_again for reply in group), default=0),
    }


def _had_piled_up(reply: Reply, struck: Sequence[Struck], away: Sequence[Span]) -> bool:
    since = reply.ended_at - _PILES_UP_FOR
    frozen = any(one.kind is Kind.FREEZE_WORKER and since <= one.at <= reply.ended_at for one in struck)
    return frozen or any(gone <= reply.ended_at and back >= since for gone, back in away)
