"""How Flower shows our tasks: `celery -A worker.app flower --conf=<this file>`.

Flower reads it as a file of options, not as a module of the package. FLOWER_* environment variables
(FLOWER_PORT, FLOWER_BASIC_AUTH, ...) win over it.
"""

#: About 6.5 KB each in memory; the default of 100,000 would take 650 MB.
max_tasks = 5000
#: Restarted workers come back under new names; drop the old rows and their metrics after ten minutes.
purge_offline_workers = 600
natural_time = True
tasks_columns = "name,kwargs,state,result,received,started,runtime,worker,exception"
#: Runs take seconds to minutes, not milliseconds.
task_runtime_metric_buckets = [1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 90.0, 120.0, 240.0]
