# `make` alone lists what there is.
STACK ?= dev
PORT  ?= 5566

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# The tests start hundreds of Pythons; without bytecode each would compile the same files again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help up down demo drill status test test-slow test-clock test-owner test-mutants test-engine attack lint format bench docs fresh lock clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements-dev.txt pyproject.toml packages/arca-migrate/pyproject.toml examples/service/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with PYTHON=..." >&2; exit 1; }
	@echo "Setting up $(VENV): downloading the dependencies, minutes the first time" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable packages/arca-migrate --editable examples/service --editable .
	@touch $@

up: $(READY) ## Bring a stack up in the emulated AWS (STACK=dev|staging|prod|dr, PORT=5566)
	@$(BIN)/arca local up --stack $(STACK) --port $(PORT)

down: $(READY) ## End the emulated AWS
	@$(BIN)/arca local down

demo: $(READY) ## Run the example service in the stacks that are up, and print how to issue an invoice
	@$(BIN)/arca local live

drill: $(READY) ## Lose a region of an emulated cloud under load, fail over and back, and write a record
	@$(BIN)/arca dr drill

status: $(READY) ## Say what stands in the emulated AWS
	@$(BIN)/arca local status

test: $(READY) ## Run the tests (loopback only)
	@$(BIN)/python -m pytest -m "not slow and not engine"

test-slow: $(READY) ## Run what is left out there: real processes, the guide's commands, 200 schedules
	@$(BIN)/python -m pytest -m slow

test-clock: $(READY) ## Run the tests at awkward moments and in another locale (MOMENT=name for one)
	@$(BIN)/python -m tools.clock $(MOMENT)

test-owner: $(READY) ## Run the tests on a copy of the tree in which an owner filled everything in
	@$(BIN)/python -m tools.owner

test-mutants: $(READY) ## Change the code in 1500 ways and count the changes that the tests notice
	@rm -rf mutants
	@$(BIN)/python -m mutmut run
	@$(BIN)/python -m tools.mutants

test-engine: $(READY) ## Run whole lifecycles with the pulumi on PATH and a provider double
	@$(BIN)/python -m pytest -m engine -n 0 -rs

FOREIGN := $(VENV)/foreign

$(FOREIGN)/.ready: tests/attack/requirements.txt
	@$(PYTHON) -m venv $(FOREIGN)
	@$(FOREIGN)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# Without a network: make attack FOREIGN_CLIENTS= ATTACK=--without-foreign
FOREIGN_CLIENTS ?= $(FOREIGN)/.ready
attack: $(READY) $(FOREIGN_CLIENTS) ## Attack the release commands: faults, kills, foreign clients (ATTACK="--seed 7")
	@$(BIN)/python -m tests.attack $(ATTACK)

# With node's own limit of 4 GB the checker forgets what it knows of pulumi_aws ten times over.
CHECKER_MEMORY ?= --max-old-space-size=6144
lint: $(READY) ## Formatting, rules and strict types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@NODE_OPTIONS="$(CHECKER_MEMORY)" $(BIN)/basedpyright --threads 2

format: $(READY) ## Format the tree and mend what can be mended
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

bench: $(READY) ## Measure speed as ratios within one run (JSON)
	@$(BIN)/python -m bench

docs: $(READY) ## Write the generated parts of docs/ anew
	@$(BIN)/python -m tools.generate

fresh: $(READY) ## Write anew all that follows from a change: pages, pictures, schema, snapshots
	@$(BIN)/python -m tools.fresh

lock: ## Pin the dependencies with their hashes (needs uv)
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements.in -o requirements.txt
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements-dev.in -o requirements-dev.txt
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements-operator.in -o requirements-operator.txt
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header tests/attack/requirements.in -o tests/attack/requirements.txt
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --constraints requirements-dev.txt examples/service/requirements.in -o examples/service/requirements.txt

clean: ## Remove the virtual environment and the caches
	@rm -rf $(VENV) .arca .pytest_cache .ruff_cache .hypothesis *.egg-info build mutants
