"""Health checks for load balancers, containers and the launcher."""

from __future__ import annotations

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from submissions.models import Worker


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 if database, broker and a CPU worker are available; otherwise 503, naming the missing ones."""
    checks = {"database": _database_responds(), "broker": _broker_responds(), "cpu worker": False}
    if checks["database"]:
        checks["cpu worker"] = Worker.objects.alive().filter(device="cpu").exists()
    missing = [name for name, available in checks.items() if not available]
    return JsonResponse({"ready": not missing, "missing": missing}, status=503 if missing else 200)


def _database_responds() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _broker_responds() -> bool:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as broker:
            return bool(broker.ping())
    except redis.RedisError:
        return False
