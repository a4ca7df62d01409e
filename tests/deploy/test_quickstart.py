"""The quickstart notebook, executed in a real kernel against the running service."""

from __future__ import annotations

import os

import nbformat
import pytest
from nbclient import NotebookClient

from tests.stack import PROJECT

pytestmark = [pytest.mark.stack, pytest.mark.trains, pytest.mark.long, pytest.mark.timeout(290)]


def test_the_quickstart_runs_from_top_to_bottom(stack, tmp_path):
    notebook = nbformat.read(PROJECT / "docs" / "quickstart.ipynb", as_version=4)
    token = stack.logins["itmalgrp05"][1]
    places = {
        "QUEST_URL": stack.url,
        "QUEST_TOKEN": token,
        "PYTHONPATH": str(PROJECT / "client"),
        "HOME": str(tmp_path),
    }

    NotebookClient(notebook, timeout=120, kernel_name="python3").execute(env={**os.environ, **places}, cwd=tmp_path)

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = str(outputs)
    bars = [output.data["text/html"] for output in outputs if output.output_type == "display_data"]
    assert sum("scored 0.9" in bar for bar in bars) >= 2, bars
    assert "The service trains this model again from scratch; your weights stay here." in shown
    assert "model.n_neighbors" in shown
    assert "ITMALGrp05" in shown
    assert token not in shown


def test_the_quickstart_is_stored_without_outputs():
    notebook = nbformat.read(PROJECT / "docs" / "quickstart.ipynb", as_version=4)

    assert not any(cell.get("outputs") for cell in notebook.cells)
