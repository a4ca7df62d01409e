"""JSON bodies, read so that none of them can do harm further in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import IO, Any, NoReturn

from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

MOST_BYTES = 256 * 1024
MOST_LEVELS = 32


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"The body is too large: at most {MOST_BYTES // 1024} KB."
    default_code = "too_large"


class BoundedJSON(JSONParser):
    """Strict JSON in UTF-8, bounded in size and depth; no text in it holds what a database cannot store."""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        text = stream.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise TooLarge
        try:
            data = json.loads(text.decode(), parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is not JSON: {_why(error)}.") from error
        _check(data)
        return data


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"it is nested deeper than {MOST_LEVELS} levels"
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def _check(data: Any) -> None:
    # Level by level instead of recursively: the depth is the caller's choice.
    level = [data]
    for _ in range(MOST_LEVELS):
        for text in level:
            if isinstance(text, str):
                _check_text(text)
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
    raise ParseError(f"The body is nested too deeply: at most {MOST_LEVELS} levels.")


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.keys()
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _check_text(text: str) -> None:
    # PostgreSQL stores no NUL, and half a surrogate pair has no UTF-8 to be answered or stored in.
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ParseError("The body holds a NUL character or half a surrogate pair: no text may.")
