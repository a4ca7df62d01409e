# `make run` and `make test` need Python 3.11–3.13 with venv, and nothing else. `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
DEVICE ?= cpu
# What pytest compiles is kept for the next run, though PYTHONDONTWRITEBYTECODE be set.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest
# Two processes share the test files as tests/conftest.py says: most tests wait for something, or keep one core busy.
SHARED := -n 2 --dist loadfile --no-loadscope-reorder
# TensorFlow with CUDA and the one without are two packages: which one depends on the machine.
LOCAL := $(shell command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L 2>/dev/null | grep -q GPU && echo local-gpu || echo local)

.PHONY: help run serve worker test quick test-long test-faults bench bench-quick screenshots lint format lock setup setup-dev

help:
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: setup ## start the whole service here, with a demo quest, on PORT (8000)
	@exec $(BIN)/python -m config.launcher run

serve: setup ## the same with production settings and no demo data
	@exec $(BIN)/python -m config.launcher serve

worker: setup ## a worker alone, on any machine: DEVICE=cpu|gpu, DATABASE_URL and REDIS_URL
	@exec $(BIN)/python -m config.launcher worker $(DEVICE)

test: setup-dev ## everything but the long tests and the slow faults
	@$(PYTEST) $(SHARED) -m "not long and not fault"

quick: setup-dev ## no training, no browser, nothing that waits: under a minute
	@$(PYTEST) $(SHARED) --hypothesis-profile=quick -m "not long and not fault and not trains and not browser and not slow"

test-long: setup-dev ## exact scores on the full data, every page in a browser, services of the tests' own
	@$(PYTEST) $(SHARED) -m long

test-faults: setup-dev ## breaks real processes
	@$(PYTEST) -n 2 --dist worksteal -m fault

bench: setup-dev ## ours beside plain scikit-learn and Keras: three quarters of an hour, on an idle machine; NAMES=knn for some rows
	@$(BIN)/python -m tests.bench $(NAMES)

bench-quick: setup-dev ## the same with fewer rows, each measured once: under 5 minutes
	@$(BIN)/python -m tests.bench --quick $(NAMES)

screenshots: setup-dev ## pictures of every page into docs/pages, on a service of their own: some minutes; NAMES=board for some
	@$(BIN)/python -m tests.screenshots $(NAMES)

lint: setup-dev ## ruff, mypy, import-linter, djlint, migrations
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@$(BIN)/djlint --check --lint --quiet config submissions leaderboard
	@$(BIN)/mypy .

format: setup-dev ## let ruff and djlint mend what they can
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format . ; $(BIN)/djlint --reformat --quiet config submissions leaderboard

lock: setup-dev ## compile requirements/*.txt anew from *.in
	@sh requirements/compile.sh $(BIN)/uv

setup:
	@$(PYTHON) deploy/bootstrap.py $(LOCAL)

setup-dev:
	@$(PYTHON) deploy/bootstrap.py dev
