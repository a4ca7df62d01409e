"""Progress bars for a notebook and a terminal, and lines for a log."""

from __future__ import annotations

import html
import shutil
import sys
from typing import Any, Protocol

from mnist_quest.console import in_notebook, say

WIDTH = 24


class Bar(Protocol):
    def show(self, text: str, share: float | None) -> None:
        """`share` is from 0 to 1, or None if unknown."""

    def end(self, text: str) -> None: ...


class Notebook:
    def __init__(self) -> None:
        self._display: Any = None

    def show(self, text: str, share: float | None) -> None:
        value = "" if share is None else f' value="{share:.3f}"'
        self._put(f"<progress max='1'{value} style='width: 16em'></progress> {html.escape(text)}")

    def end(self, text: str) -> None:
        self._put(html.escape(text))

    def _put(self, markup: str) -> None:
        from IPython.display import HTML, display  # type: ignore[import-not-found, unused-ignore]

        if self._display is None:
            self._display = display(HTML(markup), display_id=True)  # type: ignore[no-untyped-call, unused-ignore]
        else:
            self._display.update(HTML(markup))  # type: ignore[no-untyped-call, unused-ignore]


class Terminal:
    def show(self, text: str, share: float | None) -> None:
        full = 0 if share is None else round(WIDTH * share)
        self._put(f"[{'#' * full}{'.' * (WIDTH - full)}] {text}")

    def end(self, text: str) -> None:
        self._put(text)
        sys.stderr.write("\n")

    def _put(self, line: str) -> None:
        columns = shutil.get_terminal_size().columns - 1
        sys.stderr.write("\r" + line[:columns].ljust(columns))
        sys.stderr.flush()


class Log:
    """For other outputs: one line for each change."""

    def __init__(self) -> None:
        self._last = ""

    def show(self, text: str, share: float | None) -> None:
        if text != self._last:
            self._last = text
            say(text)

    def end(self, text: str) -> None:
        self.show(text, None)


class Silent:
    def show(self, text: str, share: float | None) -> None:
        pass

    def end(self, text: str) -> None:
        pass


def bar() -> Bar:
    if in_notebook():
        return Notebook()
    return Terminal() if sys.stderr.isatty() else Log()
