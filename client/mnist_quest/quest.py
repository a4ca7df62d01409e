"""The Quest class: a Search Quest service in a notebook."""

from __future__ import annotations

import os
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from mnist_quest import login, models, tables
from mnist_quest.connection import Connection, Verify
from mnist_quest.console import say
from mnist_quest.errors import QuestError, QuestWarning
from mnist_quest.networks import Training
from mnist_quest.run import Run


class Runs(list[Run]):
    """Runs, newest first. `table()` returns a DataFrame if pandas is installed, otherwise rows."""

    def table(self) -> Any:
        return tables.table(tables.run_row(run.data) for run in self)

    def _rows(self) -> tables.Rows:
        return tables.Rows(tables.run_row(run.data) for run in self)

    def __str__(self) -> str:
        return str(self._rows())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._rows()._repr_html_()


class Quest:
    """A service at `url` (default: QUEST_URL, then the last login).

    `token` defaults to QUEST_TOKEN, a login saved by `login()`, the Colab secret QUEST_TOKEN, or a hidden prompt when a
    token is needed. `quest` is a quest's id or name, needed if several are open. `verify` is the path of your own
    certificate authority's file (default: QUEST_CA).
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        quest: str | int | None = None,
        verify: Verify | None = None,
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        found = url or os.environ.get("QUEST_URL") or login.latest_url()
        if not found:
            raise QuestError('Say where the service is: Quest("https://quest.example.edu"), or set QUEST_URL.')
        trusted = verify if verify is not None else os.environ.get("QUEST_CA") or True
        self._token = login.Token(token) if token else None
        self._connection = Connection(found, self._find_token, verify=trusted, timeout=timeout, transport=transport)
        self._quest = quest

    @property
    def url(self) -> str:
        return self._connection.url

    def __repr__(self) -> str:
        return f"Quest({self.url!r})"

    def _find_token(self, ask: bool) -> login.Token | None:
        self._token = self._token or login.find_token(self.url, None, ask=ask)
        return self._token

    def login(self) -> Path:
        """Store the token for later sessions on this machine, if the service accepts it; returns the file."""
        token = self._find_token(True)
        assert token is not None
        try:
            self._connection.get("me/")
        except QuestError:
            self._token = None
            raise
        return token.save(self.url)

    def submit(
        self,
        model: Any,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        validation_split: float | None = None,
        callbacks: list[Any] | None = None,
        seed: int | None = None,
        device: str | None = None,
        engine: str | None = None,
        note: str | None = None,
        quest: str | int | None = None,
    ) -> Run:
        """Submit an estimator, a Pipeline, a fitted search, a compiled Keras model, text, or a dictionary.

        `epochs`, `batch_size`, `validation_split`, `callbacks` (EarlyStopping) and `seed` are for Keras models, which
        do not store how they are fitted. Raises NotExpressible before anything is sent, or Refused by the service.
        """
        training = Training(epochs, batch_size, validation_split, callbacks or [], seed)
        body: dict[str, Any] = {
            "model": models.to_send(model, training),
            "quest": self._quest if quest is None else quest,
        }
        body |= {"device": device, "engine": engine, "note": note}
        if notice := models.notice(model):
            say(notice)
        # One key for all tries: a lost answer does not make a second submission.
        data = self._connection.post("submissions/", _without_none(body), key=str(uuid.uuid4()))
        _warn(data.get("left_aside"))
        return Run(self._connection, data)

    def validate(self, model: Any, **training: Any) -> dict[str, Any]:
        """How the service reads `model`: spec, layers, parameters and so on. Runs nothing."""
        body = {"model": models.to_send(model, Training(**training)), "quest": self._quest}
        answer = self._connection.post("models/validate/", _without_none(body))
        return dict(answer)

    @staticmethod
    def notation(model: Any, **training: Any) -> str:
        """`model` as text for the form. Works offline."""
        return models.notation(model, **training)

    def run(self, number: int) -> Run:
        return Run(self._connection, self._connection.get(f"submissions/{int(number)}/"))

    def runs(self, limit: int = 50, *, state: str | None = None, family: str | None = None) -> Runs:
        """Your group's runs, newest first, at most `limit`."""
        rows = self._rows("submissions/", limit, state=state, family=family, quest=self._quest)
        return Runs(Run(self._connection, data) for data in rows)

    def leaderboard(self, limit: int = 1000, **filters: Any) -> Any:
        """The ranking, as a DataFrame if pandas is installed, otherwise as rows.

        The board's filters work here, too: `family`, `hardware`, `device`, `show="all"` and `sort`.
        """
        return tables.table(self.board_rows(limit, **filters))

    def board_rows(self, limit: int = 1000, **filters: Any) -> Iterator[dict[str, Any]]:
        """The ranking as one dictionary for each row."""
        filters.setdefault("quest", self._quest)
        rows = self._rows("leaderboard/", limit, public=True, **filters)
        return (tables.board_row(row) for row in rows)

    def feed(self, limit: int = 50) -> tables.Lines:
        """The feed's lines, newest first."""
        return tables.Lines(row["text"] for row in self._rows("feed/", limit, public=True, quest=self._quest))

    def quota(self) -> tables.Rows:
        """For each quest open to you: how many submissions are left today or, if none, when the next is possible."""
        return tables.Rows(
            {"quest": quest["name"], "group": quest["group"], **(quest["quota"] or dict.fromkeys(QUOTA))}
            for quest in self._connection.get("me/")["quests"]
        )

    def _rows(self, path: str, limit: int, *, public: bool = False, **filters: Any) -> Iterator[dict[str, Any]]:
        """At most `limit` rows, page by page."""
        asked: dict[str, Any] = {"limit": min(limit, 100), **filters}
        while limit > 0:
            page = self._connection.get(path, public=public, **asked)
            yield from page["results"][:limit]
            limit -= len(page["results"])
            if not page["next"]:
                return
            # Take only the parameters: behind a proxy the service may know itself by another name.
            asked = dict(parse_qsl(urlsplit(page["next"]).query))


QUOTA = ("limit", "used", "left", "next_at")


def _without_none(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def _warn(left_aside: Any) -> None:
    """Warn of the ignored lines that may change the score."""
    lines = left_aside.get("consequential", []) if isinstance(left_aside, dict) else []
    if lines:
        listed = "\n".join(f"  {line}" for line in lines)
        warnings.warn(f"Ignored – this may change your score:\n{listed}", QuestWarning, stacklevel=3)
