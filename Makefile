# One entry for each habit; `make` alone lists them. Nothing is needed but Python 3.11 or newer (Go for `make testbed`).
PYTHON ?= python3
# CI uses VENV=.venv-ci INSTALL=wheel, so that it tests the built wheel and leaves a developer's environment alone.
VENV ?= .venv
INSTALL ?= editable
BIN := $(VENV)/bin
export PYTHON

ifeq ($(INSTALL),wheel)
SOURCES := $(shell find src -type f -not -name '*.pyc')
endif
STAMP := $(VENV)/.installed-$(INSTALL)

.PHONY: help env
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

env: $(STAMP) ## create or update the virtual environment (.venv)
$(STAMP): pyproject.toml requirements-dev.lock tools/env.sh tools/uv.sh $(SOURCES)
	@tools/env.sh $(VENV) $(INSTALL)

lock: ## resolve the dependencies of pyproject.toml again (LOCK=--upgrade for the newest)
	tools/lock.sh $(LOCK)
