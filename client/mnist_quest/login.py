"""Finds the token, and stores it in a file between sessions."""

from __future__ import annotations

import getpass
import json
import os
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from mnist_quest.console import in_notebook
from mnist_quest.errors import NotSignedIn, QuestError

VARIABLE = "QUEST_TOKEN"


class Token:
    """The token; its text appears only in the Authorization header."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        if not (self._text.isascii() and self._text.isprintable() and self._text):
            raise NotSignedIn("This is not a token: copy it from your group's page. It begins with quest_.")

    def __repr__(self) -> str:
        return "<token, not shown>"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("A token cannot be pickled: set QUEST_TOKEN where it is needed.")

    def header(self) -> str:
        return f"Token {self._text}"

    def save(self, url: str) -> Path:
        """Store the token for `url` in a file that only you can read; returns the file's path."""
        saved = _saved_logins()
        saved["logins"][url] = self._text
        saved["latest"] = url
        return _write(saved)


def find_token(url: str, given: str | None, *, ask: bool) -> Token | None:
    """The first of: `given`, QUEST_TOKEN, a saved login, a Colab secret and, if `ask`, a hidden prompt."""
    text = given or os.environ.get(VARIABLE) or _saved_logins()["logins"].get(url) or _colab_secret()
    if not text and ask:
        text = prompt(url)
    return Token(text) if text else None


def prompt(url: str) -> str:
    """Ask for the token without showing it. Raises NotSignedIn if nobody can answer."""
    why = f"{url} needs a token: create one on your group's page"
    if not (in_notebook() or (sys.stdin and sys.stdin.isatty())):
        raise NotSignedIn(f"{why}, then set {VARIABLE} or run `mnist-quest login {url}`.")
    # In a notebook that runs unattended, Jupyter raises a NotImplementedError.
    with suppress(EOFError, NotImplementedError):
        if text := getpass.getpass(f"Token for {url} (not shown): ").strip():
            return text
    raise NotSignedIn(f"{why}, and pass it as token=…, set {VARIABLE}, or run `mnist-quest login {url}`.")


def latest_url() -> str | None:
    """The URL of the last login."""
    latest: str | None = _saved_logins()["latest"]
    return latest


def login_file() -> Path:
    folder = os.environ.get("XDG_CONFIG_HOME") or (os.environ.get("APPDATA") if os.name == "nt" else "")
    return Path(folder or Path.home() / ".config") / "mnist-quest" / "logins.json"


def _saved_logins() -> dict[str, Any]:
    path = login_file()
    try:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise QuestError(f"Others can read your saved login, so it is not used: run chmod 600 {path}")
        kept = json.loads(path.read_text())
        return {"latest": kept["latest"], "logins": dict(kept["logins"])}
    except OSError:
        return {"latest": None, "logins": {}}
    except (ValueError, KeyError, TypeError) as error:
        raise QuestError(f"{path} is damaged: delete it and log in again.") from error


def _write(kept: dict[str, Any]) -> Path:
    path = login_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # mkstemp creates a file that only the owner can read, and the rename is atomic.
    handle, name = tempfile.mkstemp(dir=str(path.parent))
    with os.fdopen(handle, "w") as file:
        json.dump(kept, file, indent=1)
    os.replace(name, path)
    return path


def _colab_secret() -> str | None:
    try:
        from google.colab import userdata  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError:
        return None
    # Colab has its own errors for a missing secret and for a notebook without access to it.
    with suppress(Exception):
        return str(userdata.get(VARIABLE) or "") or None
    return None
