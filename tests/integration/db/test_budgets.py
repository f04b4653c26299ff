"""What a batch may cost over runs, lanes and requests: a student who asks every second for ten minutes.

Time passes by moving the rows' moments back, so that ten minutes take seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from db.batches import BatchStore
from db.ledger import LedgerStore
from db.sessions import SessionStore
from db.spent import read_spent
from generation.budget import Budget
from generation.cancellation import CancellationSignal
from generation.model import BatchStatus, Claim, Section, Track, Urgency
from generation.model_call import Usage
from generation.plan import plan_exam
from generation.prompts.blocks import system_blocks
from generation.run_batch import BUDGET_EXHAUSTED, RunLimits, run_batch
from generation.verdicts import Purpose
from runtime.metrics import Metrics
from runtime.settings import GenerationSettings
from tests.integration.db.exams import STUDENT, TTL_S, claimed
from tests.support.attempts import an_attempt
from tests.support.scripted import RunEvents, ScriptedFallback, ScriptedProvider
from tests.unit.generation.test_yields import SHAPES, always
from worker.outcomes import Outcomes

RunSql = Callable[..., Any]

LANES = ThreadPoolExecutor(10)
LIMITS = GenerationSettings()
TEN_MINUTES_S = 600


@dataclass
class Site:
    """A session, a worker, and the time."""

    engine: Engine
    sql: RunSql
    providers: ScriptedFallback
    session_id: UUID
    metrics: Metrics = field(default_factory=lambda: Metrics(CollectorRegistry()))
    runs: int = 0

    @property
    def store(self) -> BatchStore:
        return BatchStore(self.engine)

    def elapse(self, seconds: float) -> None:
        """Everything that is noted was noted so much earlier."""
        self.sql(
            "UPDATE generation.batches SET not_before = not_before - make_interval(secs => :s),"
            " budget_from = budget_from - make_interval(secs => :s)",
            s=seconds,
        )
        self.sql(
            "UPDATE generation.attempts SET opened_at = opened_at - make_interval(secs => :s)", s=seconds
        )

    def work(self) -> None:
        """One run of the batch, when it is due."""
        claim = self.store.claim(self.session_id, 0, "worker", TTL_S)
        if claim is None:
            return
        self.runs += 1
        result = run_batch(
            claim,
            providers=self.providers,
            store=self.store,
            ledger=LedgerStore(self.engine),
            observer=RunEvents(),
            stop=CancellationSignal(),
            limits=RunLimits(LIMITS.generation_max_rounds_per_run, LIMITS.generation_lanes),
            lanes=LANES,
        )
        Outcomes(self.store, LIMITS, self.metrics).settle(claim, result)

    def hammer(self, seconds: int, *, step_s: int = 1) -> None:
        """A student asks every second, and a worker takes whatever is due."""
        for _ in range(0, seconds, step_s):
            self.store.request(self.session_id, 0, Urgency.INTERACTIVE)
            self.work()
            self.elapse(step_s)

    def row(self) -> Any:
        [row] = self.sql("SELECT *, not_before - now() AS left FROM generation.batches")
        return row

    def paid(self) -> tuple[int, Decimal]:
        [row] = self.sql("SELECT count(*), coalesce(sum(cost_microdollars), 0) FROM generation.attempts")
        return row[0], row[1]


@pytest.fixture
def site_of(engine: Engine, sessions: SessionStore, run_sql: RunSql) -> Callable[..., Site]:
    plan = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=7)

    def make(*providers: ScriptedProvider) -> Site:
        session_id = sessions.create(STUDENT, plan).session_id
        return Site(engine, run_sql, ScriptedFallback(providers), session_id)

    return make


def allowed() -> Decimal:
    return Budget(Decimal(3), 10, 10).microdollars(ScriptedProvider(), system_blocks(Section.QUANTITATIVE))


def test_the_ledger_says_how_often_calls_for_a_batch_wrote_the_cache(
    engine: Engine, ledger: LedgerStore
) -> None:
    session_id = uuid4()
    calls = [
        (Purpose.WRITE, Usage(cache_write_1h=1)),
        (Purpose.WRITE, Usage(cache_write_5m=1, cache_read=1)),
        (Purpose.WRITE, Usage(cache_read=1)),
        (Purpose.SOLVE, Usage(cache_write_1h=1)),
    ]
    for purpose, usage in calls:
        ledger.close(an_attempt(session_id=session_id, purpose=purpose, usage=usage))
    with engine.connect() as connection:
        assert read_spent(connection, session_id, 0, since=None).cache_writes == 2


@pytest.mark.parametrize("shape", list(SHAPES))
def test_whatever_a_student_does_for_ten_minutes_vain_replies_cost_one_budget(
    site_of: Callable[..., Site], shape: str
) -> None:
    site = site_of(ScriptedProvider(always(SHAPES[shape])))
    site.hammer(TEN_MINUTES_S)
    calls, microdollars = site.paid()
    assert calls <= 30
    assert microdollars <= allowed()
    row = site.row()
    assert (row.status, row.rests) == (BatchStatus.FAILED, 1)
    assert row.left.total_seconds() > 0


@pytest.mark.parametrize("shape", list(SHAPES))
def test_with_a_healthy_fallback_a_hammering_student_gets_the_whole_batch_at_once(
    site_of: Callable[..., Site], shape: str
) -> None:
    vain, healthy = ScriptedProvider(always(SHAPES[shape])), ScriptedProvider(name="openrouter")
    site = site_of(vain, healthy)
    site.hammer(5)
    assert (site.row().status, site.runs) == (BatchStatus.READY, 1)
    calls, microdollars = site.paid()
    assert calls <= 30
    assert microdollars <= allowed()


def test_after_its_rest_a_batch_is_tried_again_and_rests_twice_as_long(
    site_of: Callable[..., Site],
) -> None:
    site = site_of(ScriptedProvider(always(SHAPES["empty"])))
    site.hammer(60)
    first = site.row()
    assert 800 < first.left.total_seconds() <= 900
    site.elapse(900)
    site.hammer(180)  # the pauses between its runs have grown
    second = site.row()
    assert second.rests == 2
    assert 1600 < second.left.total_seconds() <= 1800
    assert site.paid()[0] <= 60


def test_a_provider_that_is_well_again_after_the_rest_fills_the_batch(site_of: Callable[..., Site]) -> None:
    vain = ScriptedProvider(always(SHAPES["empty"]))
    site = site_of(vain)
    site.hammer(60)
    site.providers = ScriptedFallback([ScriptedProvider()])
    site.hammer(10)
    assert site.row().status == BatchStatus.FAILED
    site.elapse(900)
    site.hammer(1)
    assert site.row().status == BatchStatus.READY


def test_an_operator_ends_a_rest_and_renews_the_budget(site_of: Callable[..., Site]) -> None:
    site = site_of(ScriptedProvider(always(SHAPES["empty"])))
    site.hammer(60)
    before = site.paid()[0]
    assert site.store.revive(site.session_id) == [0]
    row = site.row()
    assert (row.status, row.rests, row.failures) == (BatchStatus.QUEUED, 0, 0)
    assert row.left.total_seconds() <= 0
    site.work()
    assert site.paid()[0] > before


def test_an_exhausted_budget_is_kept_over_runs_and_counted(site_of: Callable[..., Site]) -> None:
    """Cut replies count as well: a run that ends with them waits without a limit of its own."""
    site = site_of(ScriptedProvider())
    site.store.request(site.session_id, 0, Urgency.INTERACTIVE)
    claim = claimed(site.store, site.session_id)
    site.store.release(claim, 0, "slots_left_open", counts_as_failure=False)
    spend(site, claim, calls=30)
    site.work()
    row = site.row()
    assert (row.status, row.last_error) == (BatchStatus.FAILED, BUDGET_EXHAUSTED)
    assert site.metrics.budgets_exhausted._value.get() == 1
    assert site.paid()[0] == 30


def test_calls_to_a_provider_that_is_away_use_up_no_budget(site_of: Callable[..., Site]) -> None:
    """An outage lasts as long as it lasts; the batch is written as soon as a provider answers."""
    site = site_of(ScriptedProvider())
    site.store.request(site.session_id, 0, Urgency.INTERACTIVE)
    claim = claimed(site.store, site.session_id)
    site.store.release(claim, 0, "providers_unavailable", counts_as_failure=False)
    spend(site, claim, calls=300, outcome="provider_unreachable")
    site.work()
    assert site.row().status == BatchStatus.READY


def test_a_student_who_comes_does_not_shorten_the_pause_after_a_failed_run(
    site_of: Callable[..., Site],
) -> None:
    site = site_of(ScriptedProvider())
    site.store.request(site.session_id, 0, Urgency.PREFETCH)
    claim = claimed(site.store, site.session_id)
    site.store.release(claim, 20, "slots_left_open", counts_as_failure=True)
    site.store.request(site.session_id, 0, Urgency.INTERACTIVE)
    row = site.row()
    assert row.urgency == Urgency.INTERACTIVE
    assert row.left.total_seconds() > 15


def test_a_zombie_cannot_let_a_batch_rest(site_of: Callable[..., Site]) -> None:
    site = site_of(ScriptedProvider())
    site.store.request(site.session_id, 0, Urgency.INTERACTIVE)
    old = claimed(site.store, site.session_id)
    site.store.release(old, 0, "shutdown", counts_as_failure=False)
    claimed(site.store, site.session_id)
    with pytest.raises(Exception, match="Another run owns"):
        site.store.fail(old, BUDGET_EXHAUSTED, rest_s=900)
    assert site.row().rests == 0


def spend(site: Site, claim: Claim, *, calls: int, outcome: str = "complete") -> None:
    site.sql(
        "INSERT INTO generation.attempts (id, session_id, batch_index, epoch, provider, model, asked, outcome)"
        " SELECT gen_random_uuid(), :session, 0, :epoch, 'claude', 'm', 1, :outcome FROM generate_series(1, :n)",
        session=claim.session_id,
        epoch=claim.epoch,
        outcome=outcome,
        n=calls,
    )
