# One command a task. On a fresh machine with Python 3.11, git and make, every target sets up what it needs.
PYTHON ?= python3.11
UV_VERSION := 0.13.8
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=
STACK ?= embedded
# Test files run side by side in so many processes, each with servers of its own (a Kafka and a Cassandra take 2 GB).
JOBS ?= 2
# Hundreds of processes start in a run of the tests, and a stack is five: where this is set, each compiles
# anew all that it imports, and takes twice as long to start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup lock fmt check chromium test test-fast torture histories bench feed-parts demo up clean

help:            ## this list
	@grep -hE '^[a-z%-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 16

setup: $(STAMP)  ## a venv in the checkout with everything in it

$(VENV)/bin/uv:
	@command -v $(PYTHON) >/dev/null || { echo "rankfeed needs Python 3.11: install it, or say where it is with 'make PYTHON=/path/to/python3.11 …'"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"

$(STAMP): requirements/dev.lock pyproject.toml | $(VENV)/bin/uv
	$(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements/dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

lock: | $(VENV)/bin/uv ## resolve the requirements anew: names, versions and hashes, no index addresses
	sh requirements/lock.sh $(BIN)/uv

fmt: setup       ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet .

check: setup     ## formatting, lint, types, the floors
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

chromium: setup  ## a Chromium for the browser tests: says where one is, and installs one where there is none
	@$(BIN)/python -m tests.browser.chromium

test: setup chromium ## every test: real Redis, real processes, a real browser, the small demo
	$(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-fast: setup ## unit tests only
	$(BIN)/pytest tests/unit -q $(ARGS)

torture: setup   ## the kills that take long: each fault point 20 times, nodes of three-node servers
	$(BIN)/pytest -m torture $(ARGS)

histories: setup ## feeds against the truth: 500 histories, or as many as asked for (ARGS="20000")
	$(BIN)/python -m tests.histories $(ARGS)

bench: setup     ## the benchmarks, each against a named alternative
	$(BIN)/python -m bench $(ARGS)

feed-parts: setup ## where the CPU time of a feed goes, into docs/performance.md
	$(BIN)/python -m bench.feed_parts

bar-%: setup     ## one bar of docs/results.md, e.g. make bar-post-to-feed
	$(BIN)/python -m bench.bars $* $(ARGS)

demo: setup      ## the whole product once (ARGS="--small", "--keep"; STACK=distributed)
	RANKFEED_STACK=$(STACK) $(BIN)/rankfeed demo $(ARGS)

up: setup        ## a whole stack, until Ctrl-C (STACK=distributed: on Kafka and Cassandra)
	RANKFEED_STACK=$(STACK) $(BIN)/rankfeed up $(ARGS)

clean:           ## forget the venv and every cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
