"""The body of `/ops`: what happens now, the plots of a time, what failed, and the newest sessions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape
from itertools import accumulate

from api.ops import words
from api.ops.plots import Curve, Plot, figure
from api.plain_html import link
from db.operator_dashboard import MOST_BATCHES, Overview, Window
from db.operator_queries import SessionLine
from generation.model import Urgency
from runtime.money import dollars

#: The times that can be chosen, by their name in the address.
WINDOWS: dict[str, Window] = {"15m": Window(15, 60), "1h": Window(60, 60), "24h": Window(1800, 48)}
DEFAULT_WINDOW = "15m"

_MICRODOLLARS = 1_000_000
_TITLES = {"15m": "15 minutes", "1h": "hour", "24h": "24 hours"}


def overview_page(
    overview: Overview, sessions: Sequence[SessionLine], *, name: str, day_limit_usd: Decimal | None
) -> str:
    """The body; `name` is the window's key in WINDOWS."""
    plots = "".join(figure(plot) for plot in _plots(overview, _TITLES[name], day_limit_usd))
    return (
        f"<h2>Now</h2>{_tiles(overview, day_limit_usd)}"
        f"<h2>The last {_TITLES[name]}</h2><div class='grid'>{plots}</div>"
        f"<div class='grid'>{_failures(overview)}{_verdicts(overview)}</div>"
        f"<h2 id='newest'>Newest sessions</h2>{_sessions(sessions)}"
    )


def _tiles(overview: Overview, day_limit_usd: Decimal | None) -> str:
    depths = overview.queue.queues
    waiting, ahead = depths[Urgency.INTERACTIVE], depths[Urgency.PREFETCH]
    oldest = max(depth.oldest_due_s for depth in depths.values())
    deferred = sum(depth.deferred for depth in depths.values())
    tiles = [
        ("streams", "Running streams", str(overview.open_calls), "model calls that are being written"),
        (
            "running",
            "Running batches",
            str(waiting.running + ahead.running),
            f"{waiting.running} for a student who waits, {ahead.running} ahead",
        ),
        (
            "due",
            "Batches waiting for a worker",
            str(waiting.due + ahead.due),
            f"{waiting.due} for a student who waits, {ahead.due} ahead; {deferred} deferred",
        ),
        ("age", "Queue age", _seconds(oldest), "how long the oldest of them has been due"),
        ("workers", "Workers", str(overview.queue.workers), "processes that hold a batch"),
        ("today", "Cost today", *_today(overview, day_limit_usd)),
    ]
    cells = "".join(
        f"<div id='now-{anchor}'><dt>{escape(title)}</dt><dd><b>{escape(value)}</b><span>{escape(about)}</span></dd></div>"
        for anchor, title, value, about in tiles
    )
    return f"<dl class='tiles' id='now' data-live>{cells}</dl>"


def _today(overview: Overview, day_limit_usd: Decimal | None) -> tuple[str, str]:
    spent = overview.queue.spent_today_microdollars
    if day_limit_usd is None:
        return dollars(spent), "since midnight UTC; no cap is set"
    limit = day_limit_usd * _MICRODOLLARS
    share = f"{spent / limit:.0%} of the cap " if limit else "beyond the cap "
    return dollars(spent), f"{share}of {dollars(limit)}, since midnight UTC"


def _plots(overview: Overview, window: str, day_limit_usd: Decimal | None) -> list[Plot]:
    return [
        *_speed_plots(overview, window),
        *_queue_plots(overview),
        _cache_plot(overview),
        _cost_plot(overview, day_limit_usd),
    ]


def _speed_plots(overview: Overview, window: str) -> list[Plot]:
    series, times = overview.series, _times(overview)
    rates = _rates(overview)
    total = sum(series.questions)
    first = overview.first_question_p50_s, overview.first_question_p95_s
    return [
        Plot(
            "questions",
            "Questions a second",
            f"{rates[-1]:.2f} now, {total:,} in the last {window}",
            "committed to an exam, so that a student can read them",
            (Curve("questions a second", rates),),
            times,
            lambda value: f"{value:.2f}/s",
        ),
        Plot(
            "first",
            "Time to first question",
            f"median {_seconds(first[0])}, p95 {_seconds(first[1])}",
            "of a session: from the request to the first committed question",
            (Curve("p95", series.first_question_p95_s, "two"), Curve("median", series.first_question_p50_s)),
            times,
            _seconds,
            lines=True,
        ),
        Plot(
            "running-streams",
            "Running streams",
            f"{overview.open_calls} now",
            "model calls at the same time, on average over each bar",
            (Curve("streams", series.streams),),
            times,
            lambda value: f"{value:.1f}",
        ),
    ]


def _queue_plots(overview: Overview) -> list[Plot]:
    waits = overview.series.longest_wait_s
    longest = max((wait for wait in waits if wait is not None), default=None)
    return [
        Plot(
            "waits",
            "Longest wait for a worker",
            _seconds(longest),
            "of a batch that was completed, from its request to its first run",
            (Curve("longest wait", waits),),
            _times(overview),
            _seconds,
        )
    ]


def _cache_plot(overview: Overview) -> Plot:
    read, written = overview.series.cache_read, overview.series.cache_written
    whole = _hit_rate(sum(read), sum(written))
    rates = [_hit_rate(*both) for both in zip(read, written, strict=True)]
    return Plot(
        "cache",
        "Cache hit rate",
        "no call yet" if whole is None else f"{whole:.1%}",
        f"of shared prompt tokens: {sum(read):,} read, {sum(written):,} written",
        (Curve("hit rate", rates),),
        _times(overview),
        lambda value: f"{value:.1%}",
        lines=True,
        top=1.0,
    )


def _cost_plot(overview: Overview, day_limit_usd: Decimal | None) -> Plot:
    hours = overview.spent_by_hour_microdollars
    so_far = [float(each / _MICRODOLLARS) for each in accumulate(hours)]
    return Plot(
        "cost",
        "Cost today",
        _today(overview, day_limit_usd)[0],
        "added up from midnight UTC, at list prices, as in the ledger"
        + ("" if day_limit_usd is None else "; the line is the cap"),
        (Curve("cost so far", so_far),),
        tuple(f"{hour:02}:00" for hour in range(len(hours))),
        lambda value: dollars(Decimal(str(value)) * _MICRODOLLARS),
        bound=None if day_limit_usd is None else float(day_limit_usd),
    )


def _failures(overview: Overview) -> str:
    ended = sum(overview.outcomes.values())
    calls = _share_table(
        "How calls ended early", overview.outcomes, overview.calls, ("why", "calls"), words.outcome
    )
    failed = _share_table(
        "Batches that gave up",
        overview.failed_batches,
        sum(overview.failed_batches.values()),
        ("last error", "batches"),
        words.outcome,
    )
    return (
        f"<section id='failures' data-live><h3>Failures by reason</h3>"
        f"<p class='headline'>{ended:,} of {overview.calls:,} calls</p>"
        "<p class='about'>A call that ends early loses no committed question: the next one asks for what is "
        f"missing.</p>{calls}{failed}</section>"
    )


def _verdicts(overview: Overview) -> str:
    questions = sum(overview.verdicts.values())
    cut = " (the latest)" if overview.checked_batches >= MOST_BATCHES else ""
    counts = _share_table("", overview.verdicts, questions, ("the solver", "questions"), words.verdict)
    doubts = _share_table("Why it doubts", overview.doubts, questions, ("it found", "questions"), words.doubt)
    return (
        f"<section id='verdicts' data-live><h3>Answer check</h3>"
        f"<p class='headline'>{questions:,} questions</p>"
        f"<p class='about'>of {overview.checked_batches:,} completed batches{cut}. A second model answers without seeing "
        f"the key; {overview.rewritten:,} questions were disputed and written again.</p>{counts}{doubts}</section>"
    )


def _share_table(
    title: str,
    counts: Mapping[str, int],
    whole: int,
    heads: tuple[str, str],
    worded: Callable[[str], str],
) -> str:
    """Counts by code, the largest first, each with a bar of its share."""
    heading = f"<h4>{escape(title)}</h4>" if title else ""
    if not counts:
        return f"{heading}<p class='none'>None.</p>"
    rows = "".join(
        f"<tr><td><span>{escape(worded(code))}</span> <code>{escape(code)}</code></td><td>{count:,}</td>"
        f"<td class='share'>{_share_bar(count, whole)}</td></tr>"
        for code, count in sorted(counts.items(), key=lambda each: -each[1])
    )
    head = "".join(f"<th scope='col'>{escape(each)}</th>" for each in heads)
    return f"{heading}<table class='shares'><tr>{head}<th scope='col'>share</th></tr>{rows}</table>"


def _share_bar(count: int, whole: int) -> str:
    share = count / whole if whole else 0.0
    return (
        "<svg class='bar' height='10' aria-hidden='true'><rect class='track' width='100%' height='10'/>"
        f"<rect class='one' width='{share:.1%}' height='10'/></svg> {share:.0%}"
    )


def _sessions(sessions: Sequence[SessionLine]) -> str:
    if not sessions:
        return "<p class='none' id='sessions' data-live>No session yet.</p>"
    rows = "".join(
        f"<tr><td>{link(f'/ops/sessions/{line.session_id}', str(line.session_id)[:8])}</td>"
        f"<td>{line.created_at.astimezone(UTC):%d %b %H:%M}</td><td>{line.kind.value}, {line.track.value}</td>"
        f"<td>{line.questions} of {line.total_questions}</td><td>{_states(line)}</td>"
        f"<td>{dollars(line.cost_microdollars)}</td></tr>"
        for line in sessions
    )
    heads = "".join(
        f"<th scope='col'>{head}</th>"
        for head in ("timeline", "created (UTC)", "kind", "questions", "batches", "cost")
    )
    return (
        "<div class='scroll' id='sessions' data-live tabindex='0' role='region' aria-label='Newest sessions'>"
        f"<table><tr>{heads}</tr>{rows}</table></div>"
    )


def _states(line: SessionLine) -> str:
    return ", ".join(f"{count} {state.value}" for state, count in line.batches.items()) or "none requested"


def _rates(overview: Overview) -> list[float]:
    """Questions a second; the last bucket is divided by the time that has passed of it."""
    step = float(overview.window.step_s)
    *whole, last = overview.series.questions
    elapsed = min(step, max(1.0, overview.elapsed_of_last_s))
    return [*(count / step for count in whole), last / elapsed]


def _times(overview: Overview) -> tuple[str, ...]:
    step = timedelta(seconds=overview.window.step_s)
    wanted = "%H:%M:%S" if step < timedelta(minutes=1) else "%H:%M"
    moments: list[datetime] = [overview.start + number * step for number in range(overview.window.buckets)]
    return tuple(moment.astimezone(UTC).strftime(wanted) for moment in moments)


def _hit_rate(read: int, written: int) -> float | None:
    return read / (read + written) if read + written else None


def _seconds(value: float | None) -> str:
    if value is None:
        return "not measured"
    if value < 100:  # noqa: PLR2004 -- three digits at most
        return f"{value:.1f} s"
    return f"{value / 60:.0f} min"
