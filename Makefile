# The same verbs for people and for CI. `make up` and `make test` do all the set-up themselves.
.DEFAULT_GOAL := help
PY := .venv/bin/python
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help up test check chaos bench servers lock clean

help:  ## This list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: .venv/.runtime  ## Start the embedded center with demonstration data (DEMO=1: simulated faults and repairs too)
	@exec .venv/bin/vrc up --demo $(if $(filter-out 0,$(DEMO)),--demo-rate 12) $(ARGS)

test: .venv/.dev servers  ## Everything: static checks, all tests over SQLite, PostgreSQL and Kafka
	@$(MAKE) --no-print-directory check
	$(PY) -m pytest -n 2 --dist worksteal --durations 20 $(ARGS)

check: .venv/.dev  ## Static checks only: lint, types, walls, architecture
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) -m pytest tests/architecture

chaos: .venv/.dev servers  ## kill -9 under load, and at the moment when deadlines are due
	$(PY) -m tests.chaos $(ARGS)

bench: .venv/.dev servers  ## Speed beside this machine's floor, as ratios
	$(PY) -m tests.bench $(ARGS)

servers: .venv/.dev  ## Install PostgreSQL, Kafka and an OpenID provider for the tests
	@deploy/servers/install.sh

lock: .venv/.dev  ## Write the lock files anew from pyproject.toml
	.venv/bin/uv pip compile -q pyproject.toml --generate-hashes --no-emit-index-url --no-header --universal -o requirements.lock
	.venv/bin/uv pip compile -q pyproject.toml --group dev --generate-hashes --no-emit-index-url --no-header --universal -o requirements-dev.lock

clean:  ## Remove the environment and all local data
	rm -rf .venv var build

.venv/.runtime: requirements.lock deploy/environment.sh
	@deploy/environment.sh runtime

.venv/.dev: requirements-dev.lock deploy/environment.sh
	@deploy/environment.sh dev
