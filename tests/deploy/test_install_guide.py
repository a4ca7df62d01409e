"""The guides of docs/ name files, commands and variables that are there."""

from __future__ import annotations

import re

import pytest
from django.core.management import get_commands

from tests.stack import PROJECT

GUIDES = [PROJECT / "docs" / name for name in ("install.md", "gpu.md", "operations.md")]
TEXT = "\n".join(guide.read_text() for guide in GUIDES)
SOURCES = [
    *(path.read_text() for part in ("config", "workers") for path in (PROJECT / part).rglob("*.py")),
    *(path.read_text() for path in (PROJECT / "deploy" / "systemd").iterdir()),
    (PROJECT / "docker-compose.yml").read_text(),
]
# Read as other programs set them, or told from one process to another.
OF_OTHERS = {"CONTENT_TYPE", "DJANGO_SETTINGS_MODULE", "NUMBA_CACHE_DIR", "PYTHONPATH", "PATH", "HOME", "REMAP_SIGTERM"}


def test_every_file_that_is_named_is_there():
    named = set(re.findall(r"\b(?:deploy|requirements|docs)/[\w@.-]+[\w]", TEXT))

    assert named
    assert [name for name in sorted(named) if not (PROJECT / name).exists()] == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_link_leads_somewhere(guide):
    text = guide.read_text()
    headings = {re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-") for line in text.splitlines()}

    for file, anchor in re.findall(r"\]\(([\w.]*)#?([\w-]*)\)", text):
        assert not file or (guide.parent / file).exists(), file
        assert not anchor or anchor in headings, anchor


def test_every_management_command_is_one():
    named = set(re.findall(r"(?:quest-manage|manage\.py) ([a-z]\w+)", TEXT))

    assert {"invite_instructor", "import_groups", "worker_alive", "doctor", "backup", "restore", "replay"} <= named
    assert named - set(get_commands()) == set()


def test_every_make_target_is_one():
    targets = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)

    assert set(re.findall(r"\bmake ([a-z-]+) ?(?:DEVICE|`|$)", TEXT, re.MULTILINE)) - set(targets) == set()


def test_every_lock_file_that_is_installed_is_one():
    for lock in re.findall(r"bootstrap\.py (\w+)", TEXT):
        assert (PROJECT / "requirements" / f"{lock}.txt").exists()


def test_every_unit_that_is_named_is_one():
    there = {path.name.split(".")[0].rstrip("@") for path in (PROJECT / "deploy" / "systemd").iterdir()}
    named = re.findall(r"\b(quest-(?:web|beat|worker)[\w-]*)", TEXT)

    assert set(named) - there == set()


@pytest.mark.parametrize("example", ["quest.env.example", "compose.env.example"])
def test_every_variable_of_an_example_is_read_somewhere(example):
    lines = (PROJECT / "deploy" / example).read_text().splitlines()
    names = [found[1] for line in lines if (found := re.match(r"#?([A-Z_]+)=", line))]

    assert names
    assert [name for name in names if not any(name in source for source in SOURCES)] == []


def test_every_variable_that_is_read_stands_in_the_readmes_table():
    given = r"(?:environ(?:\.get|\.setdefault)?[\[(]|\b(?:number|flag|words)\()\"([A-Z_]+)\""
    files = [
        path for part in ("config", "workers", "submissions", "leaderboard") for path in (PROJECT / part).rglob("*.py")
    ]
    read = {name for path in files for name in re.findall(given, path.read_text())}
    read |= set(re.findall(r"\$\{([A-Z_]+)", (PROJECT / "docker-compose.yml").read_text()))
    read |= set(re.findall(r"\$\{([A-Z_]+):-", (PROJECT / "deploy" / "quest-manage").read_text()))
    table = (PROJECT / "README.md").read_text().partition("## Configuration")[2].partition("\n## ")[0]

    assert {"QUEST_HOME", "QUEST_SLOTS", "HTTPS", "POSTGRES_PASSWORD"} <= read
    assert sorted(name for name in read - OF_OTHERS if f"`{name}`" not in table) == []
