# `make run` and `make test` need Python 3.11–3.13 with venv, and nothing else. `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
DEVICE ?= cpu
# pytest keeps its compiled files for the next run, even if PYTHONDONTWRITEBYTECODE is set.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest
# Processes share the test files as tests/conftest.py says. Two keep two cores busy; the long tests and the fault tests
# often wait for a browser, a lease or a restart, so more of them run at once.
SHARED := -n 2 --dist loadfile --no-loadscope-reorder
LONG := -n 3 --dist loadfile --no-loadscope-reorder
FAULTS := -n 4 --dist load --maxschedchunk 1
# TensorFlow with and without CUDA are two packages; the machine decides which one is installed.
LOCAL := $(shell command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L 2>/dev/null | grep -q GPU && echo local-gpu || echo local)

.PHONY: help run serve worker test quick test-long test-faults bench bench-quick screenshots lint lint-types lint-the-rest format lock setup setup-dev

help:
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: setup ## start the whole service here, with a demo quest, on PORT (8000)
	@exec $(BIN)/python -m config.launcher run

serve: setup ## the same with production settings and no demo data
	@exec $(BIN)/python -m config.launcher serve

worker: setup ## start one worker, on any machine: DEVICE=cpu|gpu, DATABASE_URL and REDIS_URL
	@exec $(BIN)/python -m config.launcher worker $(DEVICE)

test: setup-dev ## everything except the long tests and the fault tests
	@$(PYTEST) $(SHARED) -m "not long and not fault"

quick: setup-dev ## no training, no browser, no waiting: under a minute
	@$(PYTEST) $(SHARED) --hypothesis-profile=quick -m "not long and not fault and not trains and not browser and not slow"

test-long: setup-dev ## exact scores on the full data, every page in a browser, the tests' own services
	@$(PYTEST) $(LONG) -m long

test-faults: setup-dev ## break real processes
	@$(PYTEST) $(FAULTS) -m fault

bench: setup-dev ## compare with plain scikit-learn and Keras: 45 minutes on an idle machine; NAMES=knn for some rows
	@$(BIN)/python -m tests.bench $(NAMES)

bench-quick: setup-dev ## the same with fewer rows, each measured once: under 5 minutes
	@$(BIN)/python -m tests.bench --quick $(NAMES)

screenshots: setup-dev ## take pictures of every page into docs/pages: some minutes; NAMES=board for some
	@$(BIN)/python -m tests.screenshots $(NAMES)

lint: setup-dev ## ruff, mypy, import-linter, djlint, migrations
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target lint-types lint-the-rest

# mypy takes as long as all the others together, and runs beside them.
lint-types:
	@$(BIN)/mypy .

lint-the-rest:
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@$(BIN)/djlint --check --lint --quiet config submissions leaderboard

format: setup-dev ## let ruff and djlint repair what they can
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format . ; $(BIN)/djlint --reformat --quiet config submissions leaderboard

lock: setup-dev ## compile requirements/*.in to *.txt
	@sh requirements/compile.sh $(BIN)/uv

setup:
	@$(PYTHON) deploy/bootstrap.py $(LOCAL)

setup-dev:
	@$(PYTHON) deploy/bootstrap.py dev
