"""The secret that signs sessions where none was given: random, made once, readable by its owner alone."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def kept_secret(home: Path) -> str:
    """The secret kept in `home`, made if there is none. Two processes that start at once agree on one."""
    path = home / "secret-key"
    if not path.exists():
        draft = home / f"secret-key.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(draft, path)  # unlike a rename, never replaces what another process has just made
        draft.unlink()
    return path.read_text()
