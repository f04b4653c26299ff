"""`check claude`: does Claude answer, in Arabic, how fast, and when is the model retired?"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import typer

from generation.errors import ProviderError
from generation.model_call import Prompt
from runtime.money import dollars
from worker.commands.asking import Model, Reading, ask, claude
from worker.commands.output import NO, AsJson, print_json, refuse

_QUESTION = Prompt(
    system=(),
    user="أجب بجملة عربية واحدة قصيرة: ما الفرق بين الزاوية الحادة والزاوية المنفرجة؟",
    max_tokens=200,
)

_ARABIC = re.compile(r"[\u0621-\u064a]{2}")


def check_claude(*, as_json: AsJson = False) -> None:
    """Ask Claude in Arabic (the simulator without a key): the answer, its cost and speed, the state of the model."""
    with claude() as model:
        provider, state = model.provider, model.state
        try:
            reading = ask(provider, _QUESTION)
        except ProviderError as err:
            refuse(f"{provider.model} did not answer ({err.code}): {err}")
    is_arabic = _ARABIC.search(reading.text) is not None
    if as_json:
        print_json(
            {"ok": is_arabic, "answer": reading.text}
            | reading.as_json()
            | {"lifecycle": state.lifecycle, "retiresOn": state.retires_on, "warnings": state.warnings}
            | {"simulator": bool(state.is_simulator)}
        )
    else:
        _print(reading, model)
    if not is_arabic:
        typer.echo(f"The answer is not Arabic. Check CLAUDE_MODEL={provider.model}.", err=True)
        raise typer.Exit(NO)


def _print(reading: Reading, model: Model) -> None:
    usage, state, safe_until = reading.usage, model.state, model.provider.profile.not_retired_before
    typer.echo(reading.text.strip())
    typer.echo(
        f"{reading.model}: first token after {reading.first_token_s} s, {reading.duration_s} s in all; "
        f"{usage.input} tokens in, {usage.output} out, {dollars(reading.cost_microdollars)}; "
        f"request {reading.request_id}."
    )
    is_safe = safe_until is not None and safe_until > datetime.now(UTC).date()
    until = f", not retired before {safe_until}" if is_safe else ""
    typer.echo(f"State of the model: {state.lifecycle or 'unknown'}{until}.")
    for warning in state.warnings:
        typer.echo(f"Warning: {warning}")
    is_claude = not state.is_simulator
    typer.echo("Claude answers." if is_claude else "The simulator answered, not Claude: no key was checked.")
    typer.echo("This call is not in the ledger.")
