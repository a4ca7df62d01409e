"""The accelerated engine's faster builders exist. A missing library sends a family to stock; a bug of ours does not."""

from __future__ import annotations

import symtable
from importlib.util import find_spec
from pathlib import Path

import pytest

import workers.engines
from submissions.specs.families import all_families
from workers.engines import accelerated

MODULE = "workers.engines.faster"


@pytest.fixture
def importable(tmp_path, monkeypatch):
    """Whether a faster module with this source counts as importable; beside it is a library that does not fit."""
    monkeypatch.setattr(workers.engines, "__path__", [*workers.engines.__path__, str(tmp_path)])
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "unfit_library.py").write_text("raise OSError('no shared object for this platform')\n")
    accelerated.is_importable.cache_clear()

    def importable(source: str) -> bool:
        (tmp_path / "faster.py").write_text(source)
        return accelerated.is_importable(MODULE)

    yield importable
    accelerated.is_importable.cache_clear()


@pytest.mark.parametrize("family", accelerated.FASTER_BUILDERS)
def test_every_faster_builder_is_defined_in_a_module_that_exists(family):
    module, _, function = accelerated.FASTER_BUILDERS[family].partition(":")
    found = find_spec(module)

    assert family in {registered.name for registered in all_families()}
    assert found
    assert found.origin
    defined = symtable.symtable(Path(found.origin).read_text(), found.origin, "exec").get_identifiers()
    assert function in defined


@pytest.mark.parametrize(
    "source", ["import a_missing_library", "from json import a_missing_name", "import unfit_library"]
)
def test_a_library_that_cannot_be_imported_sends_the_family_to_stock(importable, source):
    assert not importable(source)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("from workers.engines.engine import a_missing_name", ImportError),
        ("import workers.engines.a_missing_module", ImportError),
        ("a_missing_name", NameError),
        ("import json\njson.loads('')", ValueError),
        ("def", SyntaxError),
    ],
)
def test_an_error_in_our_own_code_is_raised(importable, source, error):
    with pytest.raises(error):
        importable(source)
