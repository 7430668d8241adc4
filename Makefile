# One entry for each habit; `make` alone lists them. Nothing is needed but Python 3.11 or newer (and Go for `make testbed`).
PYTHON ?= python3
# CI takes VENV=.venv-ci INSTALL=wheel: it tests the built wheel and leaves a developer's environment alone.
VENV ?= .venv
INSTALL ?= editable
BIN := $(VENV)/bin
export PYTHON

ifeq ($(INSTALL),wheel)
SOURCES := $(shell find src -type f -not -name '*.pyc')
endif
STAMP := $(VENV)/.installed-$(INSTALL)

.PHONY: help env demo test lint format types gate bench testbed soak docs lock clean kcp-test wheel
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(STAMP) ## create or update the virtual environment .venv
$(STAMP): pyproject.toml requirements-dev.lock tools/env.sh tools/uv.sh $(SOURCES)
	@tools/env.sh $(VENV) $(INSTALL)

demo: env ## two real clusters on this machine and an app that runs; Ctrl-C ends it (needs make testbed)
	@$(BIN)/tmc demo $(DEMO)

test: lint types ## lint, types, quick tests, and the tests with real servers where these are found
	@tools/test.sh $(BIN)

lint: env ## style, formatting, order of the layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo

format: env ## apply the formatting and the safe fixes
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: env ## mypy --strict (tests: relaxed)
	$(BIN)/mypy

gate: env ## each pure module wholly covered by its own test module
	@$(BIN)/python -m tools.coverage_gate

bench: env ## figures as ratios measured in one run, as JSON and a table (BENCH="--help")
	@$(BIN)/python -m bench $(BENCH)

testbed: ## build the real servers into .testbed/bin (Go needed, about 10 minutes the first time)
	@testbed/build.sh

kcp-test: env ## the tests against a kcp (TMC_KCP or kcp on PATH)
	@TMC_REQUIRE=kcp $(BIN)/pytest -m kcp tests

soak: env ## what CI has no time for: long fuzz, many seeds, mutation, benchmarks
	HYPOTHESIS_PROFILE=soak TMC_SOAK=1 $(BIN)/pytest tests
	$(BIN)/mutmut run
	$(BIN)/python -m tools.mutation_score

docs: env ## check that the links of README and docs/ lead somewhere
	@$(BIN)/python -m tools.check_docs

wheel: env ## build the wheel into dist/
	@rm -rf dist
	@tools/uv.sh build --quiet --wheel --no-build-isolation --python $(BIN)/python --out-dir dist
	@ls dist/*.whl

lock: ## resolve the dependencies of pyproject.toml again (LOCK=--upgrade takes the newest)
	tools/lock.sh $(LOCK)

clean: ## remove what runs and builds leave; .venv, .tools and .testbed stay
	rm -rf build dist htmlcov mutants .run .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage .coverage.*
	find . -name __pycache__ -type d -not -path './.venv*' -not -path './.t*' -prune -exec rm -rf {} +
