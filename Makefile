# Every command sets up what it needs: Python 3.13 in .venv, Azurite in node_modules.
# ARGS goes to the program: make up ARGS="--instances 3 --functions-port 7071".
.DEFAULT_GOAL := help
SHELL := bash
PY := .venv/bin/python
JOBS ?= 3

.PHONY: help setup demo up test check format bench package package-demo release teardown lock clean

help: ## Show the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: .venv/.installed node_modules/.installed ## Install Python 3.13 packages and Azurite into this folder

.venv/.installed: requirements-dev.txt cli/pyproject.toml
	@scripts/create-venv
	@touch $@

node_modules/.installed: package-lock.json
	@echo "Installing Azurite ..."
	@npm ci --silent --no-progress
	@touch $@

demo: setup ## Watch resource groups become nodes of a mesh, break things, see them heal (ends by itself)
	@$(PY) -m demo $(ARGS)

up: setup ## Start the local Azure and the app, print the addresses, stay up until Ctrl-C
	@$(PY) -m demo.up $(ARGS)

test: setup ## Run every test
	@$(PY) -m pytest -n $(JOBS) --dist loadgroup

check: setup ## Format, lint, types, import contracts, and checkov over infra/
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@scripts/checkov

format: setup ## Rewrite the code in the project's format
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

bench: setup ## Measure calls, latency, throughput and cold start, side by side
	@$(PY) -m benchmarks $(ARGS)

package: setup ## Build dist/meshplane.zip as the cloud does; its size and cold start
	@$(PY) -m deployment $(ARGS)

package-demo: package ## The demo, run out of that package with nothing else on its path
	@$(PY) -m demo --package dist $(ARGS)

release: setup ## Cut the changelog for a version: make release VERSION=x.y.z
	@$(PY) -m deployment.release $(VERSION)

teardown: setup ## Remove Meshplane from Azure: what it made first, then what was deployed; asks before
	@scripts/teardown $(ARGS)

lock: setup ## Compile pyproject.toml into the two requirements files
	@scripts/lock

clean: ## Remove what setup and the local Azure left in this folder
	@rm -rf .venv .venv-checkov dist node_modules .local-azure .mypy_cache .ruff_cache .pytest_cache .hypothesis
