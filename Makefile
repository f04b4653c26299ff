# From a bare machine: Python 3.11+, make and git are all that is needed. `make help` lists what there is.

VENV ?= .venv
JOBS ?= 2
# The first that is there: what the image ships, then the others that are promised.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3.14 python3; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$python"; break; }; done)
# pip, pip==VERSION or uv; without it uv if it is there, else pip.
INSTALLER ?=

BIN := $(VENV)/bin
PEERS := .venv-peers
LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade

# $(call installed,DIRECTORY,LOCK,OPTIONS): a whole virtual environment, in no time when it is there.
# One that another Python made is kept, unless PYTHON is named.
define installed
	@python="$(PYTHON)"; \
	test -n "$$python" || { echo "Python 3.11 or newer is needed, and none was found. Install it, or name it: make PYTHON=..." >&2; exit 2; }; \
	command -v "$$python" >/dev/null || { echo "$$python is not there. Name a Python 3.11 or newer: make PYTHON=..." >&2; exit 2; }; \
	exec "$$python" requirements/install.py "$(1)" "requirements/$(2).txt" $(3) --with "$(INSTALLER)" \
		$(if $(filter file,$(origin PYTHON)),,--this-python)
endef

.DEFAULT_GOAL := help
.PHONY: help install install-demo install-development install-bench install-peers demo up test proof chaos bench figures pictures check client generated sbom lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: install-development ## Make the virtual environment and install all locked packages (once)

install-demo install-development install-bench: install-%:
	$(call installed,$(VENV),$*)

# A venv of their own: instructor needs other versions than we do.
install-peers:
	$(call installed,$(PEERS),peers,--alone)

demo: install-demo ## Watch a 96-question exam being written (TRACK=literary, SPEED=30, FULL=1 with a key)
	@$(BIN)/python -m tools.demo

up: install-demo ## The whole stack with Flower until Ctrl-C; data stay in DATA_DIR (.data), SPEED=1
	@$(BIN)/python -m tools.stack

test: install-development ## The unit tests in a minute, then the integration tests, with coverage
	@$(BIN)/pytest -n $(JOBS) -m "not proof" --cov --cov-report= tests/unit
	@$(BIN)/pytest -n $(JOBS) -m "not proof" --cov --cov-append --cov-report=term:skip-covered --cov-fail-under=90 tests/integration

proof: install-development ## What takes long: a short chaos run, the contract, floors, npm builds, pages in Chromium, frozen and killed processes
	@$(BIN)/pytest -n $(JOBS) -m proof tests

chaos: install-demo ## Whole exams while everything is killed, judged (SEED=1 EXAMS=20 KILLS=40 SECONDS=150 REDIS=4 POSTGRES=4)
	@$(BIN)/python -m tools.chaos $(if $(SEED),--seed $(SEED)) $(if $(EXAMS),--exams $(EXAMS)) $(if $(KILLS),--kills $(KILLS)) \
		$(if $(SECONDS),--seconds $(SECONDS)) $(if $(REDIS),--redis $(REDIS)) $(if $(POSTGRES),--postgres $(POSTGRES))

bench: install-bench install-peers ## Measure speed and cost next to peers, with plots in .bench (QUICK=1, ONLY=first,many_streams,...)
	@$(BIN)/python -m tools.bench $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY)) $(if $(OUT),--out $(OUT))

figures: install-development ## Draw three figures of every pattern; pages, and pictures where Chromium is, in .figures (ONLY=circle,chord SEED=1)
	@$(BIN)/python -m tools.figures $(if $(ONLY),--only $(ONLY)) $(if $(SEED),--seed $(SEED)) $(if $(OUT),--out $(OUT))

pictures: install-demo ## Make the pictures of the documents again (needs Chromium); every page in every size in .pictures
	@$(BIN)/python -m tools.pictures

check: install-development ## Lint, format, types, import directions, migration drift
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.support.migration_drift

client: install-development ## Make the TypeScript client and the page /demo again (needs Node 20)
	@command -v npm >/dev/null || { echo "Node 20 or newer is needed for this: https://nodejs.org" >&2; exit 2; }
	@$(BIN)/python -m tests.support.description > clients/typescript/openapi.json
	@cd clients/typescript && { test -d node_modules || npm ci --ignore-scripts; } && npm run generate && npm run build
	@cd clients/demo && { test -d node_modules || npm ci --ignore-scripts; } && npm run check && npm run build

generated: install-development ## Make again what is made from code: metrics page, dashboards, TypeScript client (needs Node 20)
	@$(BIN)/python -m tests.support.metrics_page
	@$(BIN)/python ops/grafana/dashboards.py
	@$(MAKE) --no-print-directory client

sbom: install-development ## List what the image is made of again, from the lock: SBOM and licences
	@$(BIN)/python -m tools.supply_chain

lock: ## Resolve the dependencies again, to their newest releases (needs uv)
	@command -v uv >/dev/null || { echo "uv is needed for this: https://docs.astral.sh/uv" >&2; exit 2; }
	$(LOCK) pyproject.toml --extra tracing -o requirements/production.txt
	$(LOCK) requirements/build.in -o requirements/build.txt
	$(LOCK) pyproject.toml requirements/build.in --extra tracing --extra embedded \
		-c requirements/production.txt -c requirements/build.txt -o requirements/demo.txt
	$(LOCK) pyproject.toml requirements/build.in --extra tracing --extra embedded --extra dev \
		-c requirements/demo.txt -o requirements/development.txt
	$(LOCK) pyproject.toml requirements/build.in --extra tracing --extra embedded --extra dev --extra bench \
		-c requirements/development.txt -o requirements/bench.txt
	$(LOCK) requirements/peers.in -o requirements/peers.txt
	@for platform in x86_64-manylinux_2_28 aarch64-manylinux_2_28 aarch64-apple-darwin; do \
		for python in 3.11 3.12 3.13 3.14; do \
			uv pip install --quiet --dry-run --no-deps --require-hashes --only-binary :all: --target .lock-check \
				--python-platform $$platform --python-version $$python --requirement requirements/development.txt \
				|| { echo "Above: what has no wheel for Python $$python on $$platform, which the README promises." >&2; exit 1; }; \
		done; done; rm -rf .lock-check

clean: ## Remove the virtual environment and what tools leave; kept data stay
	rm -rf $(VENV) $(PEERS) .venv-oldest .bench .figures .pictures .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov *.egg-info
