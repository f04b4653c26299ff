"""What came of a run: assertions that must hold exactly, and figures that describe how it went."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tools.chaos import audit, rescues, waste
from tools.chaos.conductor import Struck
from tools.chaos.faults import Kind
from tools.chaos.model import Change, Write, by_batch, violations
from tools.chaos.rescues import Span, quantiles
from tools.chaos.students import Waited

LONGEST_SILENCE_S = 30.0

#: What a run ends with that found itself replaced, or cut off in time.
_STALE = ("fence_lost", "lease_lost")


@dataclass
class Findings:
    """`failures` are sentences; none means that the promise was kept."""

    failures: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def demand(self, holds: bool, sentence: str) -> None:
        if not holds:
            self.failures.append(sentence)


def judge(
    url: str,
    *,
    exams: int,
    waits: Sequence[Waited],
    struck: Sequence[Struck],
    api_away: Sequence[Span],
    bill: Sequence[Mapping[str, Any]],
) -> Findings:
    """Everything that can be told from the database and from what the students saw."""
    findings = Findings()
    changes, writes = audit.changes(url), audit.writes(url)
    _judge_exams(findings, url, exams)
    broken = violations(changes, writes)
    findings.demand(not broken, f"The history breaks the model {len(broken)} times: {broken[:5]}")
    findings.figures |= {
        "lease_changes": len(changes),
        "writes": len(writes),
        "model_violations": len(broken),
    }
    away = sorted([*api_away, *(_span(one) for one in struck if one.kind in _OUTAGES)])
    findings.figures["outages_s"] = round(sum((end - start).total_seconds() for start, end in away), 1)
    _judge_waits(findings, waits, changes, writes, away=away)
    _judge_rescues(findings, url, changes, writes, struck=struck, away=away)
    _judge_waste(findings, waste.reported(waste.replies(url, bill), struck, away=away))
    _tell_attempts(findings, url)
    return findings


_OUTAGES = frozenset(
    {Kind.RESTART_REDIS, Kind.REFUSE_CONNECTIONS, Kind.RESTART_POSTGRES, Kind.READ_ONLY_POSTGRES}
)


def _span(struck: Struck) -> Span:
    return struck.at, struck.ended_at


#: A row's elements are compared as they were written, without what each side alone has: ours the proof of a key
#: (generation.model.OUR_OWN_FIELDS), the web app's row what is known against a question (db/published_question.py).
_EXAMS = """
SELECT e.id::text, e.generated_batches, jsonb_array_length(e.questions), e.generation_in_progress,
  (SELECT count(*) FROM generation.questions q WHERE q.session_id = e.id),
  (SELECT count(DISTINCT position) FROM generation.questions q WHERE q.session_id = e.id),
  (SELECT count(*) FROM generation.slots s WHERE s.session_id = e.id AND s.state = 'open'),
  (SELECT count(*) FROM generation.batches b WHERE b.session_id = e.id AND b.status = 'ready'),
  (SELECT jsonb_agg(each.question - '{check,graded}'::text[] ORDER BY each.place)
    FROM jsonb_array_elements(e.questions) WITH ORDINALITY AS each (question, place))
    IS NOT DISTINCT FROM (SELECT jsonb_agg(q.content - '{declared,proved,flags}'::text[] ORDER BY q.position)
    FROM generation.questions q WHERE q.session_id = e.id),
  (SELECT count(*) = max(seq) FROM generation.events v WHERE v.session_id = e.id),
  (SELECT count(*) FROM generation.events v WHERE v.session_id = e.id AND v.kind = 'question'),
  (SELECT count(*) FROM generation.events v WHERE v.session_id = e.id AND v.kind = 'batch-ready')
FROM public.exam_sessions e
"""
_WHOLE = (10, 96, False, 96, 96, 0, 10, True, True, 96, 10)


def _judge_exams(findings: Findings, url: str, exams: int) -> None:
    """Each exam has each question once, where the web app reads it, in order, with one event for each."""
    found = audit.rows(url, _EXAMS)
    findings.demand(len(found) == exams, f"{exams} exams were begun and {len(found)} are there.")
    whole = [row for row in found if tuple(row[1:]) == _WHOLE]
    for row in found:
        findings.demand(tuple(row[1:]) == _WHOLE, f"Exam {row[0]} is {row[1:]}, not {_WHOLE}.")
    findings.figures |= {
        "exams": len(found),
        "exams_whole": len(whole),
        "questions": sum(row[4] for row in found),
        "questions_lost": sum(96 - row[5] for row in found),
        "positions_doubled": sum(row[4] - row[5] for row in found),
    }


def _judge_waits(
    findings: Findings,
    waits: Sequence[Waited],
    changes: Sequence[Change],
    writes: Sequence[Write],
    *,
    away: Sequence[Span],
) -> None:
    """No student waits while nothing happens for their batch, outages of whole servers not counted."""
    telemetry = signs_of_life(changes, writes)
    silences = []
    for wait in waits:
        marks = [
            at for at in telemetry[wait.session_id, wait.batch_index] if wait.asked_at <= at <= wait.got_at
        ]
        points = [wait.asked_at, *marks, wait.got_at]
        silences.append(max(_seconds_beyond(points[i], points[i + 1], away) for i in range(len(points) - 1)))
    beyond = [_seconds_beyond(wait.asked_at, wait.got_at, away) for wait in waits]
    slowest = sorted(waits, key=lambda wait: -wait.seconds)[:10]
    findings.figures |= {
        "longest_waits": [
            f"{wait.session_id} {wait.batch_index} {wait.asked_at} {wait.got_at}" for wait in slowest
        ],
        "wait_s": quantiles([wait.seconds for wait in waits]),
        "wait_beyond_outages_s": quantiles(beyond),
        "longest_silence_beyond_outages_s": quantiles(silences),
        "waits_over_30_s_beyond_outages": sum(seconds > LONGEST_SILENCE_S for seconds in beyond),
    }
    longest = max(silences, default=0)
    findings.demand(
        longest <= LONGEST_SILENCE_S,
        f"Nothing happened for {longest:.1f} s for a batch that a student awaited.",
    )


def signs_of_life(
    changes: Iterable[Change], writes: Iterable[Write]
) -> dict[tuple[str, int], list[datetime]]:
    """When each batch got on: wanted, claimed, given back, ready, or one question further. No heartbeat."""
    telemetry: dict[tuple[str, int], list[datetime]] = defaultdict(list)
    for key, entries in by_batch([*changes, *writes]).items():
        last: tuple[int, str] | None = None
        for entry in entries:
            state = (entry.epoch or 0, entry.status) if isinstance(entry, Change) else None
            if state is None or state != last:
                telemetry[key].append(entry.at)
            last = state or last
    return telemetry


def _seconds_beyond(start: datetime, end: datetime, away: Sequence[Span]) -> float:
    """The time between the two that no outage covers; overlapping outages count once."""
    left = (end - start).total_seconds()
    covered_to = start
    for gone, back in away:
        begins, ends = max(gone, covered_to), min(back, end)
        if ends > begins:
            left -= (ends - begins).total_seconds()
            covered_to = ends
    return left


def _judge_rescues(
    findings: Findings,
    url: str,
    changes: Sequence[Change],
    writes: Sequence[Write],
    *,
    struck: Sequence[Struck],
    away: Sequence[Span],
) -> None:
    histories = by_batch([*changes, *writes])
    figures = rescues.reported(histories, rescues.first_calls(url), struck, away=away)
    findings.figures |= figures
    slowest = figures["rescue_beyond_first_token_s"].get("p99", 0)
    findings.demand(
        slowest <= rescues.RESCUED_WITHIN_S,
        f"A rescue that nothing disturbed took {slowest:.1f} s beyond the provider's first token.",
    )


def _judge_waste(findings: Findings, by_outcome: Mapping[str, Mapping[str, int]]) -> None:
    findings.figures["waste"] = by_outcome
    most = by_outcome[waste.UNDISTURBED]["thrown_away_of_one_call"]
    findings.demand(most <= 1, f"A kill threw away {most} finished questions of one call.")


_ATTEMPTS = (
    "SELECT outcome, count(*), sum(accepted) FROM generation.attempts GROUP BY outcome ORDER BY outcome"
)
_RUNS = "SELECT sum(runs), max(runs), sum(failures), count(*) FILTER (WHERE status = 'failed') FROM generation.batches"


def _tell_attempts(findings: Findings, url: str) -> None:
    outcomes = {outcome: int(count) for outcome, count, _ in audit.rows(url, _ATTEMPTS)}
    [(runs, most_runs, failures, failed)] = audit.rows(url, _RUNS)
    findings.figures |= {
        "attempts": outcomes,
        "stale_writers_stopped": sum(outcomes.get(outcome, 0) for outcome in _STALE),
        "runs": int(runs or 0),
        "most_runs_of_a_batch": most_runs,
        "batches_given_up": failed,
        "failures_counted": int(failures or 0),
    }


def amounts(struck: Sequence[Struck]) -> dict[str, int]:
    return dict(sorted(Counter(one.kind.value for one in struck).items()))
