"""Imports in a fresh interpreter, which the import-linter's contracts cannot see."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

HEAVY = {"tensorflow", "keras", "sklearn", "numpy", "altair", "vl_convert"}
SETUP = "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; django.setup(); "


def modules_after(code: str) -> set[str]:
    """The top-level packages that a new interpreter has imported once it has run `code`."""
    show = "import sys; print(' '.join({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{show}"], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_web_process_imports_no_machine_learning():
    web = SETUP + "import config.wsgi; from django.urls import get_resolver; get_resolver().url_patterns"

    assert not modules_after(web) & (HEAVY - {"numpy"})


def test_a_supervisor_imports_no_machine_learning():
    assert not modules_after(SETUP + "import workers.service.tasks") & (HEAVY - {"numpy"})


@pytest.mark.parametrize(
    "module",
    [
        "workers.trainer.__main__",
        "workers.datasets.fetch",
        "workers.probes.hardware",
        "workers.processes.trainer_process",
    ],
)
def test_the_trainers_side_imports_no_django(module):
    assert not modules_after(f"import {module}") & {"django", "celery"}


@pytest.mark.parametrize(
    "module", ["submissions.specs.spec", "submissions.notation.reader", "submissions.specs.families"]
)
def test_specs_and_notation_import_neither_django_nor_machine_learning(module):
    assert not modules_after(f"import {module}") & {"django", "celery", *HEAVY}
