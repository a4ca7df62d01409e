"""What time it is for all machines alike."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now
from django.utils import timezone


def now() -> datetime:
    """The time by the database's clock: what workers write down must not depend on theirs, which may be wrong."""
    if connection.vendor == "sqlite":
        return timezone.now()  # the database is a file on this machine
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        at: datetime = cursor.fetchone()[0]
    return at


def ahead(seconds: float) -> CombinedExpression | ExpressionWrapper:
    """So many seconds from now, within a query."""
    return ExpressionWrapper(Now() + Value(timedelta(seconds=seconds)), output_field=DateTimeField())
