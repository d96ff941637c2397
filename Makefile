# `make demo` and `make test` need Python >= 3.11 and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST_OPTIONS ?=
HAS_GO := $(shell command -v go 2>/dev/null)

# Programs that the tests start would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-pythons coverage coverage-report ci check in-sync lint format controlplane setup-registry setup-servers setup-browser bench golden dist controller-image release docs docs-serve audit clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "make %-16s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11; run make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# What is installed is up to date while pyproject.toml did not change since.
$(VENV)/.user: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.user

demo: $(VENV)/.user ## Install, inspect, change, roll back and repair, on the embedded cluster
	@BUNDLER=$(BIN)/bundler sh docs/demo.sh

check: $(VENV)/.dev ## Style, types and layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

lint: check

in-sync: $(VENV)/.dev ## Goldens, schemas and the reference follow the sources (half a minute)
	$(BIN)/python -m pytest --quiet $(IN_SYNC) $(PYTEST_OPTIONS)

IN_SYNC := tests/cli/test_help.py tests/cli/test_errors.py tests/cli/test_reference.py tests/unit/bundles \
  tests/unit/loader tests/unit/delivery/test_index.py -m "not slow"

# What needs only this machine's memory runs on all cores; the fast part is what of it takes a moment. Of the rest each
# worker has a control plane of its own and waits for it half of the time: three keep two cores busy.
NEAR := not slow and not controlplane and not registry and not namespaces and not servers
FAST := -m "not medium and $(NEAR)" --numprocesses auto
FIRST := -m "$(NEAR)" --numprocesses auto
REST = -m "slow or controlplane or registry or namespaces or servers" --numprocesses 3 --dist loadfile --no-loadscope-reorder \
  $(shell $(BIN)/python -m tests.lib.scheduling)
MEASURED ?= -m pytest

test: check $(if $(HAS_GO),controlplane) ## Everything; with Go, also against a real Kubernetes API
	$(BIN)/python $(MEASURED) $(FIRST) $(PYTEST_OPTIONS)
	$(BIN)/python -m pytest $(REST) $(PYTEST_OPTIONS)

test-fast: $(VENV)/.dev ## The tests that take a minute together
	$(BIN)/ruff check
	$(BIN)/python -m pytest $(FAST) $(PYTEST_OPTIONS)

PYTHONS ?=
test-pythons: ## What needs no control plane, on every supported Python that is installed; PYTHONS=3.12,3.13 names some
	$(PYTHON) tool/pythons.py $(if $(PYTHONS),--only $(PYTHONS)) $(FIRST) $(PYTEST_OPTIONS)

# The first part is measured, its workers and every bundler that they start: what only the slow part reaches does not
# count, and what waits for real time is not slowed down. The bar is a step of its own, at the end.
coverage: ## Everything as `make test`, the first part measured; fails below 95 % of lines and branches
	rm -f .coverage .coverage.*
	$(MAKE) test MEASURED="-m coverage run -m pytest"
	$(MAKE) coverage-report

coverage-report: $(VENV)/.dev ## Show what the last `make coverage` did not reach, and check it against the bar
	@$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report
	@$(BIN)/python -m coverage report --format=total --fail-under=95

ci: ## What CI does
	.ci/run

controlplane: ## Build the control plane of the tests (Go, about 4 minutes the first time)
	$(PYTHON) tests/controlplane/build.py

setup-registry: ## Install docker-registry and skopeo for the tests (Debian, as root)
	@sh tests/tools/install_registry_tools.sh

setup-browser: ## Install Chromium for the test that opens pages in it (Debian, as root)
	command -v chromium >/dev/null || { apt-get update -q >/dev/null && apt-get install -q -y --no-install-recommends chromium >/dev/null; }

setup-servers: ## Install nginx, PostgreSQL, Redis and sshd for the tests that run them as pods (Debian, as root)
	@sh tests/tools/install_servers.sh

golden: $(VENV)/.dev ## Write golden files again; read the diff before you commit it
	$(BIN)/python -m pytest --update-golden -m "not slow" $(PYTEST_OPTIONS)

bench: $(VENV)/.dev ## Compare with the peers; ARGS='--only growth' alone measures how cost grows
	$(BIN)/python -m benchmarks.run $(ARGS)

dist: $(VENV)/.dev ## bundler as one file that needs only Python: dist/bundler.pyz
	$(BIN)/python tool/build.py

controller-image: $(VENV)/.dev ## The image of the controller as an OCI layout, without Docker: dist/controller (needs apt and the internet)
	$(BIN)/python tool/controller_image.py

release: $(VENV)/.dev ## Check that a release may be made, build it twice, compare the bytes; publishes nothing
	$(BIN)/python tool/release.py $(ARGS)

docs: $(VENV)/.dev ## The documentation site in build/site; open its index.html, no server needed
	$(BIN)/python tool/site/output_schemas.py
	$(BIN)/python tool/site/reference.py
	$(BIN)/python tool/site/gallery.py
	$(BIN)/python tool/site/rollout_pictures.py
	$(BIN)/mkdocs build --strict -f tool/site/mkdocs.yml

docs-serve: $(VENV)/.dev ## The documentation site on http://127.0.0.1:8000, rebuilt as you write
	$(BIN)/mkdocs serve -f tool/site/mkdocs.yml

audit: $(VENV)/.dev ## Check what bundler needs for known vulnerabilities (pip-audit, needs the internet)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-audit
	$(BIN)/python tool/audit.py

format: $(VENV)/.dev ## Format, and fix what can be fixed
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean: ## Remove what was made
	rm -rf $(VENV) $(VENV)-3.* dist build .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
