"""A JSON parser that limits size and depth, so that later code need not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import IO, Any, NoReturn

from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

MOST_BYTES = 256 * 1024
MOST_LEVELS = 32


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class BoundedJSON(JSONParser):
    """Strict UTF-8 JSON of bounded size and depth. Rejects text that the database cannot store."""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        text = stream.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise TooLarge(_("The body is too large: at most %(most)s KB.") % {"most": MOST_BYTES // 1024})
        try:
            data = json.loads(text.decode(), parse_constant=_reject_constant)
        except (ValueError, RecursionError) as error:
            raise ParseError(_("The body is not JSON: %(why)s.") % {"why": _explain(error)}) from error
        _check(data)
        return data


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(_("%(name)s is not a number in JSON") % {"name": name})


def _explain(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return _("it is nested deeper than %(most)s levels") % {"most": MOST_LEVELS}
    return _("it is not UTF-8") if isinstance(error, UnicodeDecodeError) else str(error)


def _check(data: Any) -> None:
    # Level by level, not recursively: the caller chooses the depth.
    level = [data]
    for _depth in range(MOST_LEVELS):
        for text in level:
            if isinstance(text, str):
                _check_text(text)
        level = [inner for value in level for inner in _children(value)]
        if not level:
            return
    raise ParseError(_("The body is nested too deeply: at most %(most)s levels.") % {"most": MOST_LEVELS})


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.keys()
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _check_text(text: str) -> None:
    # PostgreSQL stores no NUL, and half a surrogate pair cannot be encoded as UTF-8.
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ParseError(_("The body contains a NUL character or half a surrogate pair, which are not allowed."))
