"""The file lock for SQLite's writers: taken for any file name, and only for files."""

from pathlib import Path

import pytest
from django.db import connection

from submissions.database.write_lock import file_lock


@pytest.mark.parametrize(
    ("name", "locked"), [("in memory of Ada/quest.sqlite3", True), ("file:quest?mode=memory&cache=shared", False)]
)
def test_only_a_database_in_memory_needs_no_lock(tmp_path: Path, monkeypatch, name: str, locked: bool):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(connection, "vendor", "sqlite")
    monkeypatch.setitem(connection.settings_dict, "NAME", name)

    with file_lock():
        assert Path(f"{name}.lock").exists() == locked
