# Needs Python 3.11 or newer, pip and make. `make demo` and `make test` set up what they need in .venv. What concerns the
# VS Code extension (`make lint`, `make test`, `make vsix`) needs Node 20 or newer with npm, too.

VENV ?= .venv
# The first of these that is new enough; another one by `make PYTHON=/path/to/python …`.
PYTHON ?= $(shell for name in python3 python python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v "$$name" && break; done)

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq
DEMO := build/demo
DEMO_MODULES ?= items invoice export rates
PYTEST_ARGS ?=
# Tests mostly wait for processes of their own; more than a few at once only make each other late.
PYTEST_JOBS ?= -n auto --maxprocesses 4 --dist worksteal
CLIENT := client-vscode
AGENT_LOCKS := server/testwright/provisioning/locks

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-client demo test test-server test-client lint lint-server lint-client vsix e2e bench lock clean

help:
	@echo "make demo    set up, then generate tests for the example project and show them"
	@echo "make test    set up, then run all tests that need no further system package (test-server, test-client)"
	@echo "make lint    ruff, its formatter, and mypy; tsc, eslint and prettier (lint-server, lint-client)"
	@echo "make vsix    the VS Code extension as a package"
	@echo "make e2e     what only root can test, the same as a plain user, and a demo with an empty cache"
	@echo "make bench   the figures of the language server, of the router of models, and those of the comparison"
	@echo "make lock    write requirements/ and the locks of the agent anew (needs uv)"
	@echo "make clean   remove what the above made, .venv excepted"

setup: $(VENV)/.runtime
setup-dev: $(VENV)/.dev
setup-client: $(CLIENT)/node_modules/.installed

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found. Name one: make PYTHON=/path/to/python"; exit 1; }
	@echo "Making $(VENV) with $(PYTHON)"
	@"$(PYTHON)" -m venv "$(VENV)" || { echo "Python's venv module is needed; on Debian: apt-get install python3-venv"; exit 1; }
	@touch $@

$(VENV)/.runtime: $(VENV)/.made requirements/runtime.txt requirements/build.txt pyproject.toml
	@echo "Installing requirements/runtime.txt and requirements/build.txt"
	@$(PIP) install --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@echo "Installing requirements/dev.txt"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(CLIENT)/node_modules/.installed: $(CLIENT)/package-lock.json
	@node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null && command -v npm >/dev/null || \
		{ echo "The VS Code extension needs Node 20 or newer with npm on PATH, and there is none. Without it: make test-server lint-server"; exit 1; }
	@echo "Installing $(CLIENT)/package-lock.json"
	@cd $(CLIENT) && npm ci --silent --no-progress
	@touch $@

# In a copy, so that it can be run again and leaves the checkout as it was.
demo: $(VENV)/.runtime
	@rm -rf $(DEMO) && mkdir -p build && cp -R examples/invoicing $(DEMO)
	@find $(DEMO) -name __pycache__ -prune -exec rm -rf {} +
	@echo "Generating tests for the example project in $(DEMO)"
	@echo
	@$(BIN)/testwright generate --budget 60 $(foreach name,$(DEMO_MODULES),$(DEMO)/src/invoicing/$(name).py) \
		|| test $$? -eq 1  # below the threshold: shown above, and written all the same
	@echo
	@echo "The beginning of what was written:"
	@for file in $$(find $(DEMO)/tests -name '*.py' | sort | head -n 2); do \
		echo; echo "--- $$file"; head -n 60 "$$file"; done

# What is needed is looked for first, so that nobody waits for tests to hear that Node is missing.
test: $(CLIENT)/node_modules/.installed $(VENV)/.dev
	@$(MAKE) -s test-server
	@$(MAKE) -s test-client

test-server: $(VENV)/.dev
	@$(BIN)/pytest -q $(PYTEST_JOBS) $(PYTEST_ARGS)

test-client: $(CLIENT)/node_modules/.installed
	@cd $(CLIENT) && npm run --silent test:unit

lint: $(CLIENT)/node_modules/.installed $(VENV)/.dev
	@$(MAKE) -s lint-server
	@$(MAKE) -s lint-client

lint-server: $(VENV)/.dev
	@$(BIN)/ruff check server tests
	@$(BIN)/ruff format --check server tests
	@$(BIN)/mypy

lint-client: $(CLIENT)/node_modules/.installed
	@cd $(CLIENT) && npm run --silent check

# vsce needs Node 22; where the machine's is older, one is brought into the cache that `make e2e` uses.
vsix: $(VENV)/.runtime $(CLIENT)/node_modules/.installed
	@node=node; node -e 'process.exit(process.versions.node.split(".")[0] < 22 ? 1 : 0)' || \
		node=$$(VENV="$(VENV)" .ci/install-vscode --node | sed -n 's/^node=//p'); \
		VENV="$(abspath $(VENV))" "$${node:?}" $(CLIENT)/scripts/vsix.mjs

e2e: $(CLIENT)/node_modules/.installed $(VENV)/.dev
	@VENV="$(VENV)" .ci/e2e

bench: $(VENV)/.dev
	@$(BIN)/python tests/bench/serve.py
	@$(BIN)/python tests/bench/route.py
	@PYTHONPATH=tests/support $(BIN)/python tests/bench/agent.py --agents "$$(VENV="$(VENV)" .ci/install-agents | sed -n 's|^pinned=\(.*\)/agents/.*|\1|p')"
	@$(BIN)/python tests/bench/generate.py --set all

lock: export PATH := $(abspath $(BIN)):$(PATH)
lock:
	@command -v uv >/dev/null || { echo "uv is needed: make setup-dev, or pip install uv"; exit 1; }
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 \
		pyproject.toml -o requirements/runtime.txt
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 \
		--group build -c requirements/runtime.txt -o requirements/build.txt
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 \
		--group dev pyproject.toml -o requirements/dev.txt
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 \
		--group pyproject.toml:editors -o requirements/editors.txt
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 \
		--group pyproject.toml:node -o requirements/node.txt
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 \
		--group pyproject.toml:peer -o requirements/peer.txt
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 \
		--group pyproject.toml:peer-build -o requirements/peer-build.txt
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 --no-deps \
		--group pyproject.toml:peer-model -o requirements/peer-model.txt
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.12 --only-binary :all: \
		--group pyproject.toml:agent-pinned -o $(AGENT_LOCKS)/openhands-ai-1.11.txt
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.12 --only-binary :all: \
		--group pyproject.toml:agent-newest -o $(AGENT_LOCKS)/openhands-sdk-1.58.txt
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 --only-binary :all: \
		--group pyproject.toml:agent-uv -o $(AGENT_LOCKS)/uv.txt

clean:
	@rm -rf build dist $(CLIENT)/bundled $(CLIENT)/dist $(CLIENT)/out $(CLIENT)/*.vsix .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
