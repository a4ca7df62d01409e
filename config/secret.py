"""The secret that signs sessions if SECRET_KEY is not set: random, generated once, readable by its owner only."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def persistent_secret(home: Path) -> str:
    """The secret stored in `home`, generated if missing. Processes that start at the same time get the same one."""
    path = home / "secret-key"
    if not path.exists():
        draft = home / f"secret-key.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(draft, path)  # unlike a rename, a link never replaces the file of a faster process
        draft.unlink()
    return path.read_text()
