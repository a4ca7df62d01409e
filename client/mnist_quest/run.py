"""The Run class: one submission, as of the last request."""

from __future__ import annotations

import html
import time
from typing import Any

from mnist_quest.connection import Connection
from mnist_quest.console import say
from mnist_quest.errors import CannotReach, Refused, RunFailed, ServiceTrouble
from mnist_quest.progress import Bar, Silent, bar

LIVE = ("queued", "running")
ENDED = {"failed": "failed", "timed_out": "took too long", "cancelled": "was cancelled"}
HOLD = 20.0  # seconds that the service may delay its answer while nothing changes
PACE = 1.0  # least seconds between two requests
OUTAGE = 600.0  # seconds that `wait` tolerates without a connection


class Run:
    """`data` is the service's whole answer, see docs/api.md. `refresh()` asks again."""

    def __init__(self, connection: Connection, data: dict[str, Any]) -> None:
        self._connection = connection
        self.data = data

    @property
    def id(self) -> int:
        return int(self.data["id"])

    @property
    def state(self) -> str:
        """queued, running, scored, failed, timed_out or cancelled."""
        return str(self.data["state"])

    @property
    def reason(self) -> str:
        """Why the run ended without a score; empty otherwise."""
        return self.data["reason"] or ""

    @property
    def model(self) -> str:
        """The notation, as the service reads it."""
        return str(self.data["model"])

    @property
    def page(self) -> str:
        """The URL of the submission's page."""
        return str(self.data["page"])

    @property
    def is_live(self) -> bool:
        return self.state in LIVE

    @property
    def score(self) -> float | None:
        """Accuracy on the public test images, 0 to 1; None until it is scored."""
        score: float | None = self.data["score"]
        return score

    @property
    def training_time(self) -> float | None:
        """Seconds of training, without imports and data loading."""
        return (self.data["timing"] or {}).get("train")

    @property
    def scoring_time(self) -> float | None:
        """Seconds of predicting the test images."""
        return (self.data["timing"] or {}).get("predict")

    @property
    def hardware(self) -> str | None:
        """The machine or GPU of the run."""
        return (self.data["hardware"] or {}).get("label")

    def refresh(self) -> Run:
        self.data = self._connection.get(f"submissions/{self.id}/")
        return self

    def cancel(self) -> Run:
        """Cancel at once while queued, within about a second while running. A run that has ended stays as it is."""
        try:
            self.data = self._connection.post(f"submissions/{self.id}/cancel/", {})
        except Refused as refusal:
            if refusal.status != 409:
                raise
            self.refresh()
        return self

    def wait(self, timeout: float | None = None, *, progress: bool = True) -> Run:
        """Wait until the run has ended. Raises RunFailed if it has no score, TimeoutError after `timeout` seconds.

        Ctrl-C, or a notebook's stop button, stops waiting; the run goes on.
        """
        shown: Bar = bar() if progress else Silent()
        try:
            self._follow(shown, None if timeout is None else time.monotonic() + timeout)
        except KeyboardInterrupt:
            shown.end(f"Run {self.id} continues on the service.")
            say(f"quest.run({self.id}).wait() waits again, quest.run({self.id}).cancel() cancels it.")
            raise
        shown.end(self.summary())
        if self.state != "scored":
            raise RunFailed(self)
        return self

    def _follow(self, shown: Bar, deadline: float | None) -> None:
        heard = time.monotonic()
        shown.show(self.summary(), self._share())
        while self.is_live:
            began = time.monotonic()
            left = HOLD if deadline is None else deadline - began
            if left <= 0:
                raise TimeoutError(f"Run {self.id} is still {self.state}. It continues; wait() waits again.")
            try:
                self.data = self._connection.get(
                    f"submissions/{self.id}/", hold=HOLD, wait=max(1, int(min(HOLD, left)))
                )
                heard = time.monotonic()
                shown.show(self.summary(), self._share())
            except (CannotReach, ServiceTrouble) as trouble:
                if time.monotonic() - heard > OUTAGE:
                    raise
                shown.show(f"Run {self.id}: {str(trouble).split('.')[0][:60]}; trying again", None)
            time.sleep(max(0.0, PACE - (time.monotonic() - began)) if self.is_live else 0.0)

    def summary(self) -> str:
        """The run's state in one line."""
        if self.state == "queued":
            place = self.data.get("position")
            return f"Run {self.id} is queued" + (f", number {place} in line" if place else "")
        if self.state == "running":
            return f"Run {self.id} {self._phase()}"
        if self.state == "scored":
            took = "" if self.training_time is None else f", trained in {self.training_time:.2f} s on {self.hardware}"
            return f"Run {self.id} scored {self.score:.5f}{took}"
        return f"Run {self.id} {ENDED.get(self.state, self.state)}{': ' + self.reason if self.reason else ''}"

    def _phase(self) -> str:
        progress = self.data.get("progress") or {}
        if "epoch" in progress:
            return f"is training, epoch {progress['epoch']} of {progress['epochs']}"
        if progress.get("phase") == "predict":
            return "is being scored"
        return "is training" if progress else "is getting ready"

    def _share(self) -> float | None:
        return (self.data.get("progress") or {}).get("done") if self.state == "running" else None

    def __repr__(self) -> str:
        return f"<{self.summary()}: {' '.join(self.model.split())[:80]}>"

    def _repr_html_(self) -> str:
        facts = {
            "state": self.state.replace("_", " "),
            "score": None if self.score is None else f"{self.score:.5f}",
            "training": None if self.training_time is None else f"{self.training_time:.2f} s",
            "hardware": self.hardware,
            "reason": self.reason,
        }
        rows = "".join(
            f"<tr><th style='text-align:left'>{name}</th><td style='text-align:left'>{html.escape(value)}</td></tr>"
            for name, value in facts.items()
            if value
        )
        page = html.escape(self.page, quote=True)
        return (
            f"<table><caption><a href='{page}'>Run {self.id}</a></caption>{rows}</table>"
            f"<pre>{html.escape(self.model)}</pre>"
        )
