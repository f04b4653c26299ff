"""How Flower shows our tasks: `celery -A worker.app flower --conf=<this file>`.

Flower reads this file as a list of options. FLOWER_* environment variables (FLOWER_BASIC_AUTH,
FLOWER_URL_PREFIX, FLOWER_DB, ...) set the options that are absent here; an option in this file wins.
"""

import os
import sys

if os.environ.get("TAFAWOQ_ENV", "production") == "production" and not (
    os.environ.get("FLOWER_BASIC_AUTH") or os.environ.get("FLOWER_AUTH")
):
    sys.exit(
        "Flower would show every task to every visitor. Set FLOWER_BASIC_AUTH=name:password, "
        "or, on your own machine, TAFAWOQ_ENV=development."
    )

#: A browser can stop a worker only when the operator sets this to false; our own commands change rows.
read_only = os.environ.get("FLOWER_READ_ONLY", "true").lower() not in {"false", "0", "no", "off"}
#: Workers send events by their own setting, and obey no command for it.
enable_events = False
#: About 6.5 KB each in memory: 13 MB. The default of 100,000 would take 650 MB.
max_tasks = 2000
max_workers = 200
#: A restarted worker has a new name; Flower drops the old row and its metrics after ten minutes.
purge_offline_workers = 600
#: With FLOWER_DB, a restarted Flower knows what it knew a minute before.
persistent = "FLOWER_DB" in os.environ
state_save_interval = 60_000 if persistent else 0
natural_time = True
tasks_columns = "name,kwargs,state,result,received,started,runtime,worker,exception"
#: Runs take seconds to minutes, not milliseconds.
task_runtime_metric_buckets = [1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 90.0, 120.0, 240.0]
