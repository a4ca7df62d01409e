"""The Celery application: three queues, wake-ups only, no results."""

from __future__ import annotations

import logging
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from kombu import Connection, Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# TERM means the soft shutdown: the pool's process is told to stop and releases its submission, then the worker exits.
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")

from django.conf import settings


class SteadyRetryConnection(Connection):
    """Retries a broker that is down every few seconds; kombu's own waits grow to half a minute."""

    def ensure_connection(self, *args: Any, **options: Any) -> Connection:
        return super().ensure_connection(
            *args, **{"interval_start": 1, "interval_step": 1, "interval_max": 4, **options}
        )


app = Celery("quest")
app.amqp.Connection = SteadyRetryConnection
app.conf.update(
    broker_url=settings.REDIS_URL,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": 7200,
        "socket_timeout": 5,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "max_retries": 1,
        "interval_start": 0,
        "interval_max": 0.2,
    },
    task_publish_retry=False,
    task_queues=[Queue("cpu"), Queue("gpu"), Queue("upkeep")],
    task_default_queue="upkeep",
    task_create_missing_queues=False,
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    result_backend=None,
    task_acks_late=True,
    # The supervisor ends a run at its quest's limit. This limit is the backstop: it kills a supervisor that hangs,
    # and its trainer with it, and then the lease expires. A drain does not wait for it.
    task_time_limit=settings.LONGEST_RUN_SECONDS + 2 * 3600,
    task_reject_on_worker_lost=False,  # the database row is the job: a lost message is harmless
    worker_prefetch_multiplier=1,
    worker_soft_shutdown_timeout=settings.SOFT_SHUTDOWN_SECONDS,
    worker_enable_soft_shutdown_on_idle=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    task_serializer="json",
    accept_content=["json"],
    enable_utc=True,
    timezone="UTC",
    imports=["workers.service.tasks"],
    beat_schedule={
        "reap": {
            "task": "workers.reap",
            "schedule": settings.REAP_SECONDS,
            "options": {"queue": "upkeep"},  # no `expires`: it is compared with the worker's clock, which may be ahead
        }
    },
    beat_scheduler="celery.beat:Scheduler",  # writes no file: the disk may be full, or shared by two beats
)


@setup_logging.connect
def _keep_logging(loglevel: int | str | None = None, **_: Any) -> None:
    """Keep the logging of our settings, and apply `-l` to Celery's own lines; Celery would apply it to all."""
    logging.getLogger("celery").setLevel(loglevel or logging.WARNING)
