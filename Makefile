# From a bare machine: Python 3.11+, make and git are all that is needed. `make help` lists what there is.

VENV ?= .venv
JOBS ?= 2
# The first that is new enough. 3.12 and 3.11 first: every locked package has a wheel for them.
PYTHON ?= $(shell for python in python3.12 python3.11 python3.13 python3.14 python3; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$python"; break; }; done)

BIN := $(VENV)/bin
PEERS := .venv-peers
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo up test chaos bench check client generated lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Make the virtual environment and install the locked packages (once)

$(INSTALLED): requirements/development.txt requirements/install.py pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found. Install it, or name it: make PYTHON=..." >&2; exit 2; }
	@command -v "$(PYTHON)" >/dev/null || { echo "$(PYTHON) is not there. Name a Python 3.11 or newer: make PYTHON=..." >&2; exit 2; }
	@echo "Installing into $(VENV) with $(PYTHON) (once)..."
	@"$(PYTHON)" requirements/install.py "$(VENV)"
	@touch $@

demo: $(INSTALLED) ## Watch a 96-question exam being written (TRACK=literary, SPEED=30, FULL=1 with a key)
	@$(BIN)/python -m demo

up: $(INSTALLED) ## The whole stack with Flower until Ctrl-C; data stay in DATA_DIR (.data), SPEED=1
	@$(BIN)/python -m runtime.up

test: $(INSTALLED) ## All tests, with coverage (with `make check`: everything that must pass)
	@$(BIN)/pytest -n $(JOBS) --cov --cov-report=term:skip-covered --cov-fail-under=90

chaos: $(INSTALLED) ## Whole exams while everything is killed, judged (SEED=1 EXAMS=20 KILLS=40 SECONDS=150 REDIS=4 POSTGRES=4)
	@$(BIN)/python -m chaos $(if $(SEED),--seed $(SEED)) $(if $(EXAMS),--exams $(EXAMS)) $(if $(KILLS),--kills $(KILLS)) \
		$(if $(SECONDS),--seconds $(SECONDS)) $(if $(REDIS),--redis $(REDIS)) $(if $(POSTGRES),--postgres $(POSTGRES))

bench: $(VENV)/.bench $(PEERS)/.installed ## Measure speed and cost next to peers, with plots in .bench (QUICK=1, ONLY=first,crowd,...)
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY)) $(if $(OUT),--out $(OUT))

$(VENV)/.bench: $(INSTALLED) requirements/bench.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/bench.txt
	@touch $@

# A venv of their own: instructor needs other versions than we do.
$(PEERS)/.installed: $(INSTALLED) requirements/peers.txt
	@$(BIN)/python -m venv --clear $(PEERS)
	@$(PEERS)/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/peers.txt
	@touch $@

check: $(INSTALLED) ## Lint, format, types, import directions, migration drift
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.support.migration_drift

client: $(INSTALLED) ## Make the TypeScript client anew from the OpenAPI description (needs Node 20)
	@command -v npm >/dev/null || { echo "Node 20 or newer is needed for this: https://nodejs.org" >&2; exit 2; }
	@$(BIN)/python -m tests.support.description > clients/typescript/openapi.json
	@cd clients/typescript && { test -d node_modules || npm ci --ignore-scripts; } && npm run generate && npm run check

generated: $(INSTALLED) ## Make anew what is made from code: metrics page, dashboards, TypeScript client (needs Node 20)
	@$(BIN)/python -m tests.support.metrics_page
	@$(BIN)/python ops/grafana/dashboards.py
	@$(MAKE) --no-print-directory client

lock: $(INSTALLED) ## Resolve the dependencies anew (needs uv)
	@command -v uv >/dev/null || { echo "uv is needed for this: https://docs.astral.sh/uv" >&2; exit 2; }
	uv pip compile pyproject.toml --extra tracing --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --upgrade -o requirements/production.txt
	uv pip compile pyproject.toml --extra tracing --extra embedded --extra dev -c requirements/production.txt \
		--universal --python-version 3.11 --generate-hashes --no-emit-index-url -o requirements/development.txt
	uv pip compile pyproject.toml --extra bench -c requirements/development.txt \
		--universal --python-version 3.11 --generate-hashes --no-emit-index-url -o requirements/bench.txt
	uv pip compile requirements/peers.in \
		--universal --python-version 3.11 --generate-hashes --no-emit-index-url -o requirements/peers.txt

clean: ## Remove the virtual environment and what tools leave; kept data stay
	rm -rf $(VENV) $(PEERS) .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov *.egg-info
