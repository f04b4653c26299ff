"""The body of `/ops/sessions/ID`: each batch with its runs, calls and commits, drawn on time and told in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from html import escape
from itertools import groupby

from api.ops import words
from api.plain_html import code
from db.session_timeline import MOST_CALLS, Commit, SessionTimeline, TimelineBatch, TimelineCall
from generation.model import BatchStatus, Urgency
from generation.verdicts import Purpose
from runtime.money import dollars

_ROW_PX = 28
_LINE_PX = 18
_AXIS_PX = 20
#: Left of the first bar, for a batch's number.
_NUMBER_PERCENT = 7.0
#: A label begins at its bar when the bar begins before this; else it ends with the bar.
_LABEL_LEFT_PERCENT = 45.0
_LEAST_PERCENT = 0.4

_READING = (
    "Each panel is one batch, on its own clock that starts with its request. A bar is one model call; calls side by "
    "side are lanes, which write different questions at the same time. A dot is a question that was committed: from "
    "then on it is the student's, whatever happens. A tall line is a new run: a worker takes the batch, over from one "
    "that died or was stopped, or again after calls that left questions open. It asks only for those."
)


@dataclass(frozen=True, slots=True)
class _Clock:
    """Where a moment stands on a panel, in percent of its width."""

    start: datetime
    end: datetime
    margin: float = 0.0

    def x(self, moment: datetime) -> float:
        span = max((self.end - self.start).total_seconds(), 0.001)
        share = (moment - self.start).total_seconds() / span
        return self.margin + (100 - self.margin) * min(1.0, max(0.0, share))

    def since(self, moment: datetime) -> str:
        return f"{(moment - self.start).total_seconds():.1f} s"


@dataclass(frozen=True, slots=True)
class _Story:
    """One batch with what happened in it."""

    batch: TimelineBatch
    calls: Sequence[TimelineCall]
    commits: Sequence[Commit]
    clock: _Clock

    @property
    def runs(self) -> dict[int, list[TimelineCall]]:
        """The calls of each run that made any, by its epoch."""
        runs: dict[int, list[TimelineCall]] = {}
        for call in self.calls:
            runs.setdefault(call.epoch, []).append(call)
        return dict(sorted(runs.items()))

    @property
    def cost(self) -> Decimal:
        return sum((call.cost_microdollars for call in self.calls), Decimal(0))


def timeline_page(timeline: SessionTimeline) -> str:
    stories = [_story(timeline, batch) for batch in timeline.batches]
    panels = "".join(_panel(story, timeline.planned_batches) for story in stories)
    cut = f"<p>Only the first {MOST_CALLS} calls are shown.</p>" if len(timeline.calls) >= MOST_CALLS else ""
    return (
        f"<h2>Session {code(str(timeline.session_id))}</h2>"
        f"<div id='session' data-live>{_facts(timeline, stories)}{_whole(timeline, stories)}</div>"
        f"<details open id='reading'><summary>How to read this</summary><p>{escape(_READING)}</p></details>{cut}{panels}"
    )


def _story(timeline: SessionTimeline, batch: TimelineBatch) -> _Story:
    calls = [call for call in timeline.calls if call.batch_index == batch.batch_index]
    commits = [commit for commit in timeline.commits if commit.batch_index == batch.batch_index]
    is_over = batch.status in {BatchStatus.READY, BatchStatus.FAILED}
    ends = [batch.ready_at, *(call.closed_at for call in calls), *(commit.at for commit in commits)]
    known = [end for end in ends if end is not None] or [batch.requested_at]
    # A batch that was asked for again has calls from before its present request.
    start = min([batch.requested_at, *(call.opened_at for call in calls)])
    return _Story(batch, calls, commits, _Clock(start, max(known) if is_over else timeline.now))


def _facts(timeline: SessionTimeline, stories: Sequence[_Story]) -> str:
    takeovers = sum(max(0, len(story.runs) - 1) for story in stories)
    place = "not begun" if timeline.student_position is None else f"question {timeline.student_position + 1}"
    facts = [
        ("kind", f"{timeline.kind.value}, {timeline.track.value}"),
        ("created (UTC)", f"{timeline.created_at.astimezone(UTC):%d %B %Y %H:%M:%S}"),
        ("questions", f"{len(timeline.commits)} of {timeline.total_questions} committed"),
        ("batches", f"{_ready(timeline)} of {timeline.planned_batches} complete"),
        ("the student is at", place),
        ("model calls", str(len(timeline.calls))),
        ("runs after a batch's first", str(takeovers)),
        ("cost", dollars(timeline.cost_microdollars)),
    ]
    return (
        "<dl class='facts'>"
        + "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
        + "</dl>"
    )


def _ready(timeline: SessionTimeline) -> int:
    return sum(batch.status is BatchStatus.READY for batch in timeline.batches)


def _whole(timeline: SessionTimeline, stories: Sequence[_Story]) -> str:
    """All batches on one clock: who waited for whom."""
    if not stories:
        return "<p class='none'>No batch was requested yet.</p>"
    clock = _Clock(timeline.created_at, max(story.clock.end for story in stories), _NUMBER_PERCENT)
    rows = "".join(_whole_row(story, clock, number * _LINE_PX) for number, story in enumerate(stories))
    height = len(stories) * _LINE_PX + _AXIS_PX
    return (
        f"<svg class='plot' role='img' height='{height}' aria-label='All batches on the clock of the session'>"
        f"{rows}{_axis(clock, height)}</svg><ul class='legend'><li class='quiet'>waited for its first question</li>"
        "<li class='one'>was written</li><li class='two'>new run</li></ul>"
    )


def _whole_row(story: _Story, clock: _Clock, y: int) -> str:
    batch = story.batch
    first = batch.first_question_at or story.clock.end
    label = f"<text class='tick' x='0' y='{y + 12}'>{batch.batch_index + 1}</text>"
    waited = _bar("quiet", clock, batch.requested_at, first, (y + 4, 9), hint="waited for its first question")
    written = (
        _bar("one", clock, first, story.clock.end, (y + 4, 9), hint="was written")
        if batch.first_question_at
        else ""
    )
    marks = "".join(
        f"<rect class='two' x='{clock.x(calls[0].opened_at):.2f}%' width='3' y='{y + 1}' height='15'><title>new run</title></rect>"
        for calls in list(story.runs.values())[1:]
    )
    return label + waited + written + marks


def _panel(story: _Story, planned: int) -> str:
    batch = story.batch
    return (
        f"<section class='batch' id='batch-{batch.batch_index}' data-live>"
        f"<h3>Batch {batch.batch_index + 1} of {planned}: {batch.section.value}, {batch.size} questions</h3>"
        f"<p class='about'>{escape(_summary(story))}</p>{_drawing(story)}"
        f"<details><summary>Step by step</summary><ol class='steps'>{_steps(story)}</ol></details></section>"
    )


def _summary(story: _Story) -> str:
    batch = story.batch
    for_whom = (
        "while a student waited"
        if batch.urgency is Urgency.INTERACTIVE
        else "ahead of the student (prefetch)"
    )
    parts = [f"Requested {for_whom} at {batch.requested_at.astimezone(UTC):%H:%M:%S}"]
    if batch.first_question_at:
        parts.append(f"first question after {story.clock.since(batch.first_question_at)}")
    parts.append(
        f"complete after {story.clock.since(batch.ready_at)}" if batch.ready_at else batch.status.value
    )
    runs, calls = batch.runs, len(story.calls)
    parts.append(f"{runs} {_plural(runs, 'run')}, {calls} {_plural(calls, 'call')}, {dollars(story.cost)}")
    if batch.owner:
        host, _, process = batch.owner.rpartition(":")
        parts.append(f"written now by process {process} on {host}")
    if batch.last_error:
        parts.append(f"last error: {words.outcome(batch.last_error)}")
    return "; ".join(parts) + "."


def _drawing(story: _Story) -> str:
    if not story.calls:
        return "<p class='none'>No model call yet.</p>"
    height = len(story.calls) * _ROW_PX + _AXIS_PX
    runs = list(story.runs)
    rows = "".join(
        _row(story, call, number * _ROW_PX, runs.index(call.epoch) + 1)
        for number, call in enumerate(story.calls)
    )
    starts = "".join(_run_line(story, calls, height) for calls in list(story.runs.values())[1:])
    summary = f"Calls and commits of batch {story.batch.batch_index + 1}. {_summary(story)}"
    return (
        f"<svg class='plot' role='img' height='{height}' aria-label='{escape(summary, quote=True)}'>"
        f"{starts}{rows}{_axis(story.clock, height)}</svg>"
    )


def _run_line(story: _Story, calls: Sequence[TimelineCall], height: int) -> str:
    x = story.clock.x(min(call.opened_at for call in calls))
    return f"<line class='run' x1='{x:.2f}%' x2='{x:.2f}%' y1='0' y2='{height - _AXIS_PX}'/>"


def _row(story: _Story, call: TimelineCall, y: int, run: int) -> str:
    clock = story.clock
    end = call.closed_at or clock.end
    x, right = clock.x(call.opened_at), clock.x(end)
    left = x <= _LABEL_LEFT_PERCENT
    text = _label(story, call, run)
    label = (
        f"<text class='call' x='{x if left else right:.2f}%' y='{y + 11}' "
        f"text-anchor='{'start' if left else 'end'}'>{escape(text)}</text>"
    )
    return (
        label + _bar(_style(call), clock, call.opened_at, end, (y + 16, 8), hint=text) + _dots(story, call, y)
    )


def _label(story: _Story, call: TimelineCall, run: int) -> str:
    """Which questions the call brought, and what was unusual about it."""
    again = f"run {run}: " if run > 1 else ""
    if call.purpose is Purpose.SOLVE:
        brought = _brought(call)
    else:
        positions = [commit.position + 1 for commit in story.commits if commit.attempt_id == call.id]
        brought = (
            f"question{'s' if len(positions) > 1 else ''} {_listed(positions)}"
            if positions
            else _brought(call)
        )
    return again + brought + ("" if call.outcome == "complete" else f", {words.outcome(call.outcome)}")


def _listed(numbers: Sequence[int]) -> str:
    """`11-13, 15`"""
    runs = [list(run) for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])]
    return ", ".join(f"{run[0][1]}-{run[-1][1]}" if len(run) > 1 else str(run[0][1]) for run in runs)


def _dots(story: _Story, call: TimelineCall, y: int) -> str:
    return "".join(
        f"<circle class='commit' cx='{story.clock.x(commit.at):.2f}%' cy='{y + 20}' r='4'>"
        f"<title>question {commit.position + 1} committed after {story.clock.since(commit.at)}</title></circle>"
        for commit in story.commits
        if commit.attempt_id == call.id
    )


def _bar(
    style: str, clock: _Clock, start: datetime, end: datetime, place: tuple[int, int], *, hint: str
) -> str:
    x = clock.x(start)
    width = min(max(clock.x(end) - x, _LEAST_PERCENT), 100 - x + _LEAST_PERCENT)
    y, height = place
    return (
        f"<rect class='{style}' x='{x:.2f}%' width='{width:.2f}%' y='{y}' height='{height}'>"
        f"<title>{escape(hint)}</title></rect>"
    )


def _axis(clock: _Clock, height: int) -> str:
    span = (clock.end - clock.start).total_seconds()
    places = ((0.0, "start"), (0.5, "middle"), (1.0, "end"))
    labels = "".join(
        f"<text class='tick' x='{clock.margin + (100 - clock.margin) * share:.1f}%' y='{height - 5}' "
        f"text-anchor='{anchor}'>{_span(span * share)}</text>"
        for share, anchor in places
    )
    y = height - _AXIS_PX + 2
    return f"<line class='grid' x1='{clock.margin}%' x2='100%' y1='{y}' y2='{y}'/>{labels}"


def _span(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 -- three digits


def _steps(story: _Story) -> str:
    return "".join(f"<li><b>{escape(when)}</b> {escape(what)}</li>" for when, what in _told(story))


def _told(story: _Story) -> Iterator[tuple[str, str]]:
    batch, clock = story.batch, story.clock
    steps: list[tuple[datetime, str]] = [(batch.requested_at, _requested(batch))]
    before: list[TimelineCall] = []
    for number, calls in enumerate(story.runs.values(), start=1):
        steps.append((min(call.opened_at for call in calls), _run_began(number, calls, before)))
        steps += [step for call in calls for step in _call_steps(call)]
        before = calls
    if batch.first_question_at:
        steps.append(
            (batch.first_question_at, "The first question is committed; a student could read it now.")
        )
    if batch.ready_at:
        steps.append(
            (batch.ready_at, "Complete: all questions are published to the exam in one transaction.")
        )
    for moment, sentence in sorted(steps, key=lambda step: step[0]):
        yield clock.since(moment), sentence


def _requested(batch: TimelineBatch) -> str:
    if batch.urgency is Urgency.INTERACTIVE:
        return "A student asked for the batch and waits for it."
    return "The student came near the end of the batch before, so this one is requested ahead."


def _run_began(number: int, calls: Sequence[TimelineCall], before: Sequence[TimelineCall]) -> str:
    start = min(call.opened_at for call in calls)
    lanes = sum((call.opened_at - start).total_seconds() < 1 for call in calls)
    began = f"Run {number} begins with {lanes} {_plural(lanes, 'lane')}."
    return f"{began} {words.why_again([call.outcome for call in before])}" if before else began


def _call_steps(call: TimelineCall) -> Iterator[tuple[datetime, str]]:
    if call.closed_at is None:
        yield call.opened_at, f"A call to {call.provider} ({call.model}) for {call.asked} {_what(call)} runs."
        return
    first = "" if call.first_token_ms is None else f", first token after {call.first_token_ms / 1000:.1f} s"
    took = (call.closed_at - call.opened_at).total_seconds()
    sentence = (
        f"A call to {call.provider} ({call.model}) ends after {took:.1f} s: {_brought(call)}"
        f"{first}, {dollars(call.cost_microdollars)}; {words.outcome(call.outcome)}."
    )
    yield call.closed_at, sentence


def _brought(call: TimelineCall) -> str:
    if call.purpose is Purpose.SOLVE:
        return f"answer check of {call.asked}"
    rejected = f", {call.rejected} rejected" if call.rejected else ""
    return f"{call.accepted} of {call.asked}{rejected}"


def _what(call: TimelineCall) -> str:
    return "answer checks" if call.purpose is Purpose.SOLVE else "questions"


def _style(call: TimelineCall) -> str:
    if call.outcome == "complete":
        return "solve" if call.purpose is Purpose.SOLVE else "one"
    return "quiet" if call.outcome == "open" else "failed"


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"
