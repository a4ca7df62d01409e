"""Cursors: the last row of a page, encoded as an opaque string in the next page's URL."""

from __future__ import annotations

import json
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from submissions.api.endpoint import StrictSerializer
from submissions.api.fields import BIGGEST_ID
from submissions.database.keyset_pages import Key, Place, place

Row = TypeVar("Row")


class PagedQuery(StrictSerializer):
    """Query parameters of a paginated list."""

    cursor = serializers.CharField(
        required=False, max_length=600, help_text="Start of the page, taken from `next` of the previous page."
    )


def page(request: Request, rows: Iterable[Row], keys: Sequence[Key], *, limit: int) -> tuple[list[Row], str | None]:
    """The first `limit` rows and the next page's URL, or None on the last page."""
    found = list(islice(rows, limit + 1))
    if len(found) <= limit:
        return found, None
    found.pop()
    return found, replace_query_param(request.build_absolute_uri(), "cursor", write(keys, found[-1]))


def write(keys: Sequence[Key], row: Any) -> str:
    parts = [_order(keys), *place(row, keys)]
    return urlsafe_b64encode(json.dumps(parts, default=datetime.isoformat).encode()).decode().rstrip("=")


def read(params: dict[str, Any], keys: Sequence[Key]) -> Place | None:
    """The position that the cursor in `asked` encodes, or None. Raises ValidationError for another list's cursor."""
    if not (cursor := params.get("cursor")):
        return None
    try:
        order, *values = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if order == _order(keys) and len(values) == len(keys):
            return tuple(_value(key, value) for key, value in zip(keys, values, strict=True))
    except (ValueError, TypeError, RecursionError):
        pass
    words = _("This cursor does not match this sort order. Start without a cursor, then follow `next`.")
    raise serializers.ValidationError({"cursor": words})


def _order(keys: Sequence[Key]) -> str:
    return " ".join(map(str, keys))


def _value(key: Key, value: Any) -> Any:
    if value is None and key.nullable:
        return None
    if key.kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("a time without its zone")
        return moment
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("not a number")
    if key.kind is int and not (isinstance(value, int) and abs(value) <= BIGGEST_ID):
        raise ValueError("not a whole number that a database knows")
    return value
