"""The guides name files, links, commands and variables that exist."""

from __future__ import annotations

import re

import pytest
from django.core.management import get_commands

from tests.stack import PROJECT

GUIDES = [PROJECT / "docs" / name for name in ("install.md", "gpu.md", "operations.md")]
APPS = ("submissions", "leaderboard", "workers", "config")
CONTRIBUTING = PROJECT / "CONTRIBUTING.md"
ENGINEERING = [CONTRIBUTING, *sorted((PROJECT / "docs" / "decisions").glob("*.md"))]
TEXT = "\n".join(guide.read_text() for guide in GUIDES)
SOURCES = [
    *(path.read_text() for part in ("config", "workers") for path in (PROJECT / part).rglob("*.py")),
    *(path.read_text() for path in (PROJECT / "deploy" / "systemd").iterdir()),
    (PROJECT / "docker-compose.yml").read_text(),
]
# Variables that other programs set, or that one of our processes sets for another.
OF_OTHERS = {"CONTENT_TYPE", "DJANGO_SETTINGS_MODULE", "NUMBA_CACHE_DIR", "PYTHONPATH", "PATH", "HOME", "REMAP_SIGTERM"}


def test_every_file_that_is_named_exists():
    named = set(re.findall(r"\b(?:deploy|requirements|docs)/[\w@.-]+[\w]", TEXT))

    assert named
    assert [name for name in sorted(named) if not (PROJECT / name).exists()] == []


@pytest.mark.parametrize("page", ENGINEERING, ids=lambda page: page.name)
def test_every_path_in_the_engineers_pages_exists(page):
    """Paths start at the project, or in a table of packages at the app."""
    named = set(re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", page.read_text()))
    roots = [PROJECT, *(PROJECT / app for app in APPS)]

    assert [name for name in sorted(named) if not any((root / name).exists() for root in roots)] == []


@pytest.mark.parametrize("app", APPS)
def test_contributing_has_a_line_for_every_package(app):
    table = CONTRIBUTING.read_text().partition(f"\n| `{app}/` |")[2].partition("\n\n")[0]
    listed = {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)/`", row.split("|")[1])}
    packages = {path.parent.name for path in (PROJECT / app).glob("*/__init__.py")}

    assert packages - {"management", "migrations", "templatetags"} <= listed
    assert [name for name in listed if not (PROJECT / app / name).is_dir()] == []


@pytest.mark.parametrize("page", [*GUIDES, *ENGINEERING, PROJECT / "README.md"], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for file, anchor in re.findall(r"\]\((?!https?:)([^)\s#]*)#?([^)\s]*)\)", page.read_text()):
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), file
        assert not anchor or anchor in _anchors(target.read_text()), f"{file}#{anchor}"


def _anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    headings = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_every_management_command_exists():
    named = set(re.findall(r"(?:quest-manage|manage\.py) ([a-z]\w+)", TEXT))

    assert {"invite_instructor", "import_groups", "worker_alive", "doctor", "backup", "restore", "replay"} <= named
    assert named - set(get_commands()) == set()


def test_every_make_target_exists():
    targets = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)

    assert set(re.findall(r"\bmake ([a-z-]+) ?(?:DEVICE|`|$)", TEXT, re.MULTILINE)) - set(targets) == set()


def test_every_installed_lock_file_exists():
    for lock in re.findall(r"bootstrap\.py (\w+)", TEXT):
        assert (PROJECT / "requirements" / f"{lock}.txt").exists()


def test_every_named_unit_exists():
    there = {path.name.split(".")[0].rstrip("@") for path in (PROJECT / "deploy" / "systemd").iterdir()}
    named = re.findall(r"\b(quest-(?:web|beat|worker)[\w-]*)", TEXT)

    assert set(named) - there == set()


@pytest.mark.parametrize("example", ["quest.env.example", "compose.env.example"])
def test_every_variable_of_an_example_is_read_by_the_service(example):
    lines = (PROJECT / "deploy" / example).read_text().splitlines()
    names = [found[1] for line in lines if (found := re.match(r"#?([A-Z_]+)=", line))]

    assert names
    assert [name for name in names if not any(name in source for source in SOURCES)] == []


def test_the_readmes_table_has_every_variable_that_is_read():
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
