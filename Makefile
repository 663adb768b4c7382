# One command each: `make demo` and `make test` work from a fresh clone.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOMEWORK ?= cs446_hw3
HOMEWORKS := $(patsubst reference/%/homework.toml,%,$(wildcard reference/*/homework.toml))
EXPECTATIONS := build/$(HOMEWORK)/expectations/manifest.json
ALL_EXPECTATIONS := $(HOMEWORKS:%=build/%/expectations/manifest.json)
ENGINE := $(shell find autograder -type f -not -name '*.pyc' 2>/dev/null)

.PHONY: help install demo test hostile fuzz lint record validate templates build bench clean

help:  ## what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

install: $(VENV)/installed  ## the virtual environment, with everything that authors need

$(VENV)/installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or later is needed; name one with make PYTHON=...") if sys.version_info < (3, 10) else None'
	$(PYTHON) -m venv $(VENV)
	@echo "Installing PyTorch and the rest into $(VENV): about 5 GB, a few minutes."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

.SECONDEXPANSION:
build/%/expectations/manifest.json: $(VENV)/installed $(ENGINE) $$(shell find reference/$$* tests/graders/$$* -type f -not -name '*.pyc')
	$(BIN)/autograder record $*

record: $(EXPECTATIONS)  ## run all graders on the reference, its readings and misconceptions

demo: $(EXPECTATIONS)  ## record, then grade the three example submissions
	@$(BIN)/python examples/demo.py

test: $(ALL_EXPECTATIONS)  ## the project's own tests, in as many processes as there are processors
	$(BIN)/python -m pytest -n auto --maxprocesses 4

hostile: $(VENV)/installed  ## hostile and honest submissions at every level of isolation: who gets what
	@$(BIN)/python tests/hostile

fuzz: $(VENV)/installed  ## ten thousand mutated submissions and wire frames: what was tried, and what went wrong
	@$(BIN)/python tests/fuzz

lint: $(VENV)/installed  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

validate: $(EXPECTATIONS)  ## what must pass passes, what must fail fails, and is named
	$(BIN)/autograder validate $(HOMEWORK)

templates: $(VENV)/installed  ## student_template/ from reference/
	$(BIN)/autograder templates

build: $(EXPECTATIONS)  ## dist/: the Gradescope zip and the student kit
	$(BIN)/autograder build $(HOMEWORK)

bench: $(ALL_EXPECTATIONS)  ## speed, as ratios of figures from one run
	$(BIN)/python benchmarks/bench.py
	$(BIN)/python benchmarks/notebooks.py
	$(BIN)/python benchmarks/isolation.py
	$(BIN)/python benchmarks/regrade.py

clean:  ## everything that was made, but the virtual environment
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
