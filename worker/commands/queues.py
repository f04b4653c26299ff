"""`queues`: what waits, how long it has waited, and who is there to work."""

from __future__ import annotations

from dataclasses import asdict

import typer

from db.queue_stats import read_queue_stats
from runtime.money import dollars
from worker.app import app
from worker.commands.output import AsJson, print_json, print_table
from worker.commands.stores import stores
from worker.doctor import ask_crew


def queues(*, as_json: AsJson = False) -> None:
    """Show what waits, how long it has waited, and who is there to work."""
    with stores() as at:
        levels = read_queue_stats(at.engine)
    crew = ask_crew(app)
    if as_json:
        print_json({"levels": asdict(levels), "workers": crew.names, "slots": crew.slots})
        return
    print_table(
        ["queue", "due", "oldest", "deferred", "running", "lapsed"],
        [
            [
                urgency.value,
                str(queue.due),
                f"{queue.oldest_due_s:.0f} s",
                str(queue.deferred),
                str(queue.running),
                str(queue.lapsed),
            ]
            for urgency, queue in levels.queues.items()
        ],
    )
    typer.echo(
        f"{len(crew.names)} workers answer with {crew.slots} slots; {levels.deferred_for_providers} batches wait "
        f"for a provider; {dollars(levels.spent_today_microdollars)} spent today."
    )
