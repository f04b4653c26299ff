"""The Celery application: the settings of the queue, each with its reason.

Importing this module reads no setting and opens no connection; Celery makes the configuration when it first
needs it. `include` lists the modules with tasks and signal handlers.
"""

from __future__ import annotations

import sys
from typing import Any

import click
from celery import Celery

from runtime.settings import RedisSettings, SettingsError, WorkerSettings, load

BAD_SETTINGS = 2


def configuration() -> dict[str, Any]:
    """Celery's settings. Each that is not its default has its reason."""
    redis, worker = load(RedisSettings), load(WorkerSettings)
    address = redis.redis_address
    return {
        "broker_url": address.url,
        # Without it, kombu verifies no certificate, and Flower does not start.
        "broker_use_ssl": None if address.tls is None else address.tls.arguments(),
        # --- a message is only a hint: the row in Postgres says which batch is requested ---
        "task_ignore_result": True,
        "task_acks_late": True,  # the messages of a worker that dies return to the queue
        "task_default_queue": "interactive",
        # --- one slot for each stream, hundreds of slots in a process ---
        "worker_pool": "threads",
        "worker_consumer": "worker.consumer:PatientConsumer",
        "worker_concurrency": worker.worker_concurrency,
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,  # a worker takes a message only when it has a free slot
        # --- a broken connection must not stop what is running: the lease decides, not the broker ---
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # the default gives up after 100 and the worker dies
        "broker_channel_error_retry": True,  # by default a Redis that takes no writes ends the worker
        "broker_pool_acquire_timeout": 5,
        "task_publish_retry_policy": {
            "max_retries": 2,  # the sweep enqueues again, so a caller need not wait
            "interval_start": 0.1,
            "interval_step": 0.3,
            "interval_max": 1,
        },
        "broker_transport_options": {
            "visibility_timeout": worker.worker_visibility_timeout_s,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,  # the default looks only every 100 s
            "socket_timeout": redis.redis_socket_timeout_s,  # unset, a half-open link freezes the worker
            "socket_connect_timeout": redis.redis_connect_timeout_s,
            "socket_keepalive": True,
            # With True, redis-py would also reopen a lost connection itself. kombu would not know of the new
            # pub/sub socket and would read from it without a time limit on the main loop (celery#8091).
            "retry_on_timeout": False,
            "health_check_interval": 10,
            "global_keyprefix": redis.redis_key_prefix,
            "queue_order_strategy": "priority",  # first batches before prefetches, where one worker takes both
            "client_name": "tafawoq",
        },
        # --- for Flower, and for our own log ---
        "worker_send_task_events": True,
        "task_send_sent_event": True,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }


def configuration_or_exit() -> dict[str, Any]:
    """The configuration; a wrong setting ends Celery's own commands with a sentence instead of a traceback.

    Outside of a command it is an error like others: importing a task must not end the program.
    """
    try:
        return configuration()
    except SettingsError as err:
        if click.get_current_context(silent=True) is None:
            raise
        sys.stderr.write(f"{err}\n")
        raise SystemExit(BAD_SETTINGS) from None


app = Celery(
    "tafawoq",
    include=[
        "worker.signals",
        *("tasks.check_batch", "tasks.generate_batch", "tasks.prefetch", "tasks.refusals", "tasks.sweep"),
    ],
    task_cls="worker.request:GuardedTask",
    control="worker.remote_control:ReadOnlyControl",
    amqp="worker.broker:GuardedAMQP",
    set_as_current=False,
)
app.add_defaults(configuration_or_exit)
