# The developer's face. `make demo` and `make test` set everything up by themselves.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := pyproject.toml constraints.txt CMakeLists.txt $(wildcard native/*)

# What was compiled once is kept: each process that a test starts would compile all of haris anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test trials lint types bench papers docs clean
.DEFAULT_GOAL := setup

setup: $(READY)

$(READY): $(SOURCES) tools/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" bash tools/setup.sh
	@touch $@

demo: setup
	@$(BIN)/haris demo $(ARGS)

test: setup
	$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

trials: setup
	$(BIN)/python -m pytest -m trial $(ARGS)

lint: setup
	$(BIN)/ruff check src tests tools
	$(BIN)/ruff format --check src tests tools
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy

bench: setup
	$(BIN)/haris bench $(ARGS)

papers: setup
	$(BIN)/haris papers $(ARGS)

docs: setup
	$(BIN)/python tools/docs.py

clean:
	rm -rf $(VENV) build
