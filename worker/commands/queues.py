"""`queues`: the waiting batches, how long they have waited, and the workers that answer."""

from __future__ import annotations

from dataclasses import asdict

import typer

from db.queue_stats import read_queue_stats
from runtime.money import dollars
from worker.app import app
from worker.commands.output import AsJson, print_json, print_table
from worker.commands.stores import stores
from worker.doctor import find_workers


def queues(*, as_json: AsJson = False) -> None:
    """Show the waiting batches, how long they have waited, and the workers that answer."""
    with stores() as at:
        stats = read_queue_stats(at.engine)
    workers = find_workers(app)
    if as_json:
        print_json({"levels": asdict(stats), "workers": workers.names, "slots": workers.slots})
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
            for urgency, queue in stats.queues.items()
        ],
    )
    typer.echo(
        f"{len(workers.names)} workers answer with {workers.slots} slots; {stats.deferred_for_providers} batches wait "
        f"for a provider; {dollars(stats.spent_today_microdollars)} spent today."
    )
