"""The Celery application: what the queue is made of, and why.

Importing this module reads no setting and opens nothing; the configuration is made when it is first
needed. `include` is the table of contents of the tasks.
"""

from __future__ import annotations

from typing import Any

from celery import Celery

from runtime.settings import RedisSettings, WorkerSettings, load


def configuration() -> dict[str, Any]:
    """Celery's settings. Each that is not its default has its reason."""
    redis, worker = load(RedisSettings), load(WorkerSettings)
    return {
        "broker_url": redis.redis_url,
        # --- a message is a hint: the row in Postgres is what is wanted ---
        "task_ignore_result": True,
        "task_acks_late": True,  # a worker that dies gives its messages back
        "task_default_queue": "interactive",
        # --- streams: a slot a stream, hundreds a process ---
        "worker_pool": "threads",
        "worker_concurrency": worker.worker_concurrency,
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,  # take a message only when a slot is free, so that nobody hoards
        # --- a broken connection must not stop what is running: the lease decides, not the broker ---
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # the default gives up after 100 and the worker dies
        "broker_channel_error_retry": True,  # a Redis that takes no writes ends nobody; the default does
        "broker_pool_acquire_timeout": 5,
        "task_publish_retry_policy": {
            "max_retries": 2,  # the sweep enqueues again; a caller must not wait
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
            # redis-py would also retry a lost connection, in place: the pub/sub socket would be opened again behind
            # kombu's back and read without a limit on the loop that takes messages (celery#8091).
            "retry_on_timeout": False,
            "health_check_interval": 10,
            "global_keyprefix": redis.redis_key_prefix,
            "queue_order_strategy": "priority",  # first batches before prefetches, where one worker takes both
            "client_name": "tafawoq",
        },
        # --- for people: Flower and our own log ---
        "worker_send_task_events": True,
        "task_send_sent_event": True,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }


app = Celery(
    "tafawoq",
    include=["worker.signals", "tasks.generate_batch", "tasks.prefetch", "tasks.refusals", "tasks.sweep"],
    task_cls="worker.request:GuardedTask",
    control="worker.remote_control:LookingControl",
    amqp="worker.broker:GuardedAMQP",
    set_as_current=False,
)
app.add_defaults(configuration)
