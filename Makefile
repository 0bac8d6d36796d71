# One command per task; every target sets up .venv by itself. Needs Python 3.11 to 3.13 and make, nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO_OUTPUT ?= demo-output
PYTEST_OPTIONS ?=
COVERED_ROOMS := core volume dicom volumetry longitudinal statistics
COVERAGE_FLOOR := 95
COMMA := ,
EMPTY :=
SPACE := $(EMPTY) $(EMPTY)
FIND_PYTHON := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow test-all lint format coverage bench goldens clean distclean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | while IFS="$$(printf '\t')" read -r name text; do \
	  printf '  make %-10s %s\n' "$$name" "$$text"; done

setup: $(READY) ## Make .venv from requirements.lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c '$(FIND_PYTHON)' || { \
	  echo "lesionseg needs Python 3.11, 3.12 or 3.13; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@if [ -x $(BIN)/python ] && ! $(BIN)/python -c '$(FIND_PYTHON)'; then rm -rf $(VENV); fi
	@echo "Setting up $(VENV) (once; some minutes, about 2.5 GB) ..."
	@[ -x $(BIN)/pip ] || $(PYTHON) -m venv $(VENV) || { \
	  echo "Python could not make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv" >&2; \
	  rm -rf $(VENV); exit 1; }
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/pip install -qq --no-input -r requirements.lock
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/pip install -qq --no-input --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY) ## Run a phantom trial through the whole program, into demo-output/
	$(BIN)/lesionseg demo -o $(DEMO_OUTPUT) --overwrite

test: $(READY) ## Quick tests
	$(BIN)/pytest $(PYTEST_OPTIONS)

test-slow: $(READY) ## Slow tests, and those on real scans (skipped where these are absent)
	$(BIN)/pytest -m "(slow or real_data) and not gpu" $(PYTEST_OPTIONS)

test-all: test test-slow ## Both

lint: $(READY) ## Style, types, and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## Let ruff format the code
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .

coverage: $(READY) ## Coverage of the rooms that decide numbers; at least 95 %
	$(BIN)/coverage run -m pytest -q $(wildcard $(COVERED_ROOMS:%=tests/%))
	$(BIN)/coverage report --include="$(subst $(SPACE),$(COMMA),$(COVERED_ROOMS:%=lesionseg/%/*))" \
	  --skip-covered --fail-under=$(COVERAGE_FLOOR)

bench: $(READY) ## Time and peak memory of one scan of 300 slices
	$(BIN)/python scripts/bench/one_case.py

goldens: ## Ask R anew for the answers stored in tests/golden (needs R with coin, nlme and jsonlite)
	cd tests/golden && for script in *.R; do echo "$$script"; Rscript --vanilla "$$script" || exit 1; done

clean: ## Remove what tests, tools and the demo left behind
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov dist build $(DEMO_OUTPUT)
	find lesionseg tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## Also remove .venv
	rm -rf $(VENV)
