"""The database's clock, which all machines share."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now
from django.utils import timezone


def now() -> datetime:
    """The time by the database's clock. Times in the database must not depend on a worker's clock."""
    if connection.vendor == "sqlite":
        return timezone.now()  # the database is a file on this machine
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        at: datetime = cursor.fetchone()[0]
    return at


def ahead(seconds: float) -> CombinedExpression | ExpressionWrapper:
    """An expression for the time `seconds` from now, by the database's clock."""
    return ExpressionWrapper(Now() + Value(timedelta(seconds=seconds)), output_field=DateTimeField())
