"""Where the token comes from, and the file that keeps it between sessions."""

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

from mnist_quest.errors import NotSignedIn, QuestError
from mnist_quest.surroundings import in_notebook

VARIABLE = "QUEST_TOKEN"


class Token:
    """A secret that shows itself nowhere but in the header that it is sent in."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        if not (self._text.isascii() and self._text.isprintable() and self._text):
            raise NotSignedIn("This is no token: copy it from your group's page, where it begins with quest_.")

    def __repr__(self) -> str:
        return "<token, not shown>"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("A token is not pickled: set QUEST_TOKEN where it is needed.")

    def header(self) -> str:
        return f"Token {self._text}"

    def save(self, url: str) -> Path:
        """Keep it for `url`, in a file that only you may read; the file's path."""
        kept = _kept()
        kept["logins"][url] = self._text
        kept["latest"] = url
        return _write(kept)


def find_token(url: str, given: str | None, *, ask: bool) -> Token | None:
    """The first of: the one given, QUEST_TOKEN, a saved login, a Colab secret, and if `ask`, a hidden prompt."""
    text = given or os.environ.get(VARIABLE) or _kept()["logins"].get(url) or _colab_secret()
    if not text and ask:
        text = prompt(url)
    return Token(text) if text else None


def prompt(url: str) -> str:
    """Ask for the token without showing it; NotSignedIn where nobody can be asked."""
    why = f"{url} needs a token: create one on your group's page"
    if not (in_notebook() or (sys.stdin and sys.stdin.isatty())):
        raise NotSignedIn(f"{why}, then set {VARIABLE} or run `mnist-quest login {url}`.")
    # A notebook that is run unattended has no one to ask either; Jupyter's own error for that is a NotImplementedError.
    with suppress(EOFError, NotImplementedError):
        if text := getpass.getpass(f"Token for {url} (not shown): ").strip():
            return text
    raise NotSignedIn(f"{why}, and give it as token=…, in {VARIABLE}, or by `mnist-quest login {url}`.")


def latest_url() -> str | None:
    """The service that was last logged in to."""
    latest: str | None = _kept()["latest"]
    return latest


def login_file() -> Path:
    folder = os.environ.get("XDG_CONFIG_HOME") or (os.environ.get("APPDATA") if os.name == "nt" else "")
    return Path(folder or Path.home() / ".config") / "mnist-quest" / "logins.json"


def _kept() -> dict[str, Any]:
    path = login_file()
    try:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise QuestError(f"Others can read your saved login, so it is not used: run chmod 600 {path}")
        kept = json.loads(path.read_text())
        return {"latest": kept["latest"], "logins": dict(kept["logins"])}
    except OSError:
        return {"latest": None, "logins": {}}
    except (ValueError, KeyError, TypeError) as error:
        raise QuestError(f"{path} is damaged: delete it, and log in again.") from error


def _write(kept: dict[str, Any]) -> Path:
    path = login_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # mkstemp makes a file that only the owner may read, and the rename is whole or not at all.
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
    # Colab has an error of its own for a secret that is not there, and one for a notebook that may not read it.
    with suppress(Exception):
        return str(userdata.get(VARIABLE) or "") or None
    return None
