"""The work that every contender does: the first batch of an exam, ten questions, the same words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from generation.model import Plan, Track
from generation.model_call import Prompt
from generation.plan import plan_exam
from generation.prompts.request import build_prompt
from providers.messages import request_body
from providers.profiles import profile_of

MODEL = "claude-sonnet-5-5"


def one_batch_plans(count: int, *, seed: int) -> list[Plan]:
    """Exams cut off after their first batch, each another one."""
    return [_first_batch(plan_exam(Track.SCIENTIFIC, batch_size=10, seed=seed + n)) for n in range(count)]


def _first_batch(plan: Plan) -> Plan:
    batch = plan.batches[0]
    return replace(plan, batches=(batch,), slots=plan.slots[: batch.size])


def prompt_for(plan: Plan) -> Prompt:
    """The words of the one call that asks for all of the plan's first batch."""
    return build_prompt(track=plan.track, slots=plan.slots[: plan.batches[0].size], passages={})


def bodies_for(plans: Sequence[Plan], *, stream: bool) -> list[dict[str, Any]]:
    """The request bodies of these plans, as our own worker would send them."""
    profile = profile_of(MODEL)
    bodies = [
        request_body(prompt_for(plan), profile, model=MODEL, effort="low", cache_ttl="5m") for plan in plans
    ]
    return [body | {"stream": stream} for body in bodies]
