# Every target creates what it needs; nothing but Python 3.11+ has to be there.

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo $$p && break; done)
VERSIONS := 3.11 3.12 3.13 3.14
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
JOBS ?= 2
MODEL ?= qwen-0.5b

.DEFAULT_GOAL := help
.PHONY: help run test test-fast test-all check bench clean aenv test-train test-learning test-tinker \
	test-integrations test-agents test-areal test-local test-voice docs notebook faults newcomer lock test-locked \
	licences sbom wheel-twice

TRAIN := .venv-train
TORCH ?= torch==2.13.0+cpu  # the CPU build: a plain torch brings gigabytes of CUDA
AREAL := .venv-areal
LOCAL := .venv-local
VOICE := .venv-voice
AENV := .venv-aenv
LOCKED := .venv-locked
# Not the others: the tests expect that litellm and Ray are absent, and torch differs from machine to machine.
LOCKED_EXTRAS := dev gym otel parquet report serve voice
OTHER_EXTRAS := llm local mcp ray tinker voice-local
OTHERS := .venv-others
TOOLS := .venv-tools
DOCS := .venv-docs
NOTEBOOK := .venv-notebook
AENV_PIP := $(AENV)/bin/python -m pip --quiet --disable-pip-version-check
NO_PYTHON := tau2 needs Python 3.11 or newer; install one, or name it: make PYTHON=/path/to/python

help: ## show the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z-]*:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Another model, or no model and no download: make run MODEL=smollm2, make run MODEL=none
run: $(VENV)/.core ## see a small real model converse (downloads 491 MB once, after saying so)
	@$(BIN)/python tools/first_run.py --model $(MODEL)
	@echo "(tau2 is $(BIN)/tau2; to have it on your path: . $(BIN)/activate)"

test: $(VENV)/.dev ## run the tests, all that CI runs
	$(BIN)/python -m pytest -n $(JOBS)

test-fast: $(VENV)/.dev ## run the tests that are neither slow nor end to end
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow and not e2e"

test-all: ## run the tests on every Python from 3.11 to 3.14 that is here
	@passed=; failed=; skipped=; \
	for version in $(VERSIONS); do \
		if ! python$$version -c '' 2>/dev/null; then \
			echo "python$$version is not installed: skipped"; skipped="$$skipped $$version"; \
		elif $(MAKE) --no-print-directory test VENV=.venv-all/$$version PYTHON=python$$version; then \
			passed="$$passed $$version"; \
		else \
			failed="$$failed $$version"; \
		fi; \
	done; \
	echo "passed:$${passed:- none}; failed:$${failed:- none}; skipped:$${skipped:- none}"; \
	test -n "$$passed" && test -z "$$failed"

check: $(VENV)/.dev ## lint, format, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev ## measure speed and memory
	$(BIN)/python benchmarks/run_all.py

# To use another build of torch: make test-train TORCH="torch==2.8.0"
test-train: $(TRAIN)/.ready ## run the tests that need torch or Ray
	$(TRAIN)/bin/python -m pytest -n $(JOBS) --ignore tests/train/test_learning.py \
		tests/train tests/guides/test_online_environment_commands.py tests/faults/test_edge.py \
		tests/unit/runner/test_executors.py::test_the_same_batch_on_ray \
		tests/unit/runner/test_watch.py::test_a_dead_endpoint_stops_a_run_on_ray_too

test-learning: $(TRAIN)/.ready ## train a tiny model and see the reward rise (minutes of CPU)
	$(TRAIN)/bin/python -m pytest tests/train/test_learning.py

test-local: $(LOCAL)/.ready ## run the tests of local models on real weights (tau2 models get smollm2)
	OMP_WAIT_POLICY=passive $(LOCAL)/bin/python -m pytest -n 0 -o timeout=600 tests/local

test-voice: $(VOICE)/.ready ## run the tests of voice on real speech (70 MB of weights come with packages)
	OMP_NUM_THREADS=1 $(VOICE)/bin/python -m pytest -n 0 -o timeout=600 tests/voice_local

docs: $(DOCS)/.ready ## build the documentation site: build/docs/html
	@$(DOCS)/bin/python tools/site/build.py

notebook: $(NOTEBOOK)/.ready ## execute the notebook of examples/ in a Jupyter kernel
	@rm -rf build/notebook && mkdir -p build/notebook && cp examples/*.ipynb build/notebook
	@cd build/notebook && ../../$(NOTEBOOK)/bin/jupyter execute --inplace *.ipynb

# Some of them: make test-integrations NAMES="trl openenv"
test-integrations: ## run the integrations with the real trainer packages, an environment each
	$(PYTHON) tests/integrations/run.py $(NAMES)

test-agents: ## play over MCP with both versions of its package and with agent SDKs, an environment each
	$(PYTHON) tests/agent_programs/run.py

test-areal: $(AREAL)/.ready ## run the AReaL example on the real package (Python 3.11)
	$(AREAL)/bin/python -m pytest tests/areal/integration -W default -o timeout=300

faults: $(VENV)/.dev $(TRAIN)/.ready ## inject faults, seeded, and count them (minutes of CPU)
	$(BIN)/python -m tests.faults.storage --seed 0
	$(BIN)/python -m tests.faults.stored
	$(BIN)/python -m tests.faults.kill --seed 0 --kills 300
	$(TRAIN)/bin/python -m tests.faults.cluster --seed 0
	$(BIN)/python -m tests.faults.endpoint --seed 0
	$(BIN)/python -m tests.faults.secrets --seed 0
	$(BIN)/python -m tests.faults.edge --seed 0
	$(BIN)/python -m tests.faults.fuzz --seed 0 --inputs 100000
	$(BIN)/python -m tests.faults.servers --seed 0
	$(BIN)/python -m tests.faults.shell --commands 100000 --seed 0
	$(BIN)/python -m tests.faults.shown
	$(BIN)/python -m tests.faults.text --seed 0
	$(BIN)/python -m tests.faults.users --seed 0
	$(BIN)/python -m tests.faults.blame
	$(BIN)/python -m tests.faults.voice --sessions 10000

test-tinker: ## train on a Tinker-compatible server here (downloads about 3 GB; Python 3.11)
	$(PYTHON) tests/train/tinker_server/run.py

lock: $(TOOLS)/.ready ## write constraints.txt anew: every version and hash for `make test-locked`
	$(TOOLS)/bin/uv pip compile pyproject.toml $(LOCKED_EXTRAS:%=--extra %) --group build --universal \
		--python-version 3.11 --generate-hashes --no-header --no-annotate --quiet --upgrade --output-file constraints.txt

test-locked: $(LOCKED)/.ready ## run the tests with exactly the versions of constraints.txt
	$(LOCKED)/bin/python -m pytest -n $(JOBS)

licences: $(LOCKED)/.ready $(OTHERS)/.ready ## list the licences of all packages that tau2 brings; fail on one that is not free
	$(LOCKED)/bin/python tools/licences.py $(LOCKED_EXTRAS)
	$(OTHERS)/bin/python tools/licences.py $(OTHER_EXTRAS)
	test ! -f $(TRAIN)/.ready || $(TRAIN)/bin/python tools/licences.py train

sbom: $(LOCKED)/.ready $(TOOLS)/.ready ## write build/sbom.json: a CycloneDX bill of materials with licences
	@mkdir -p build
	$(TOOLS)/bin/cyclonedx-py environment $(LOCKED)/bin/python --pyproject pyproject.toml \
		--output-reproducible --output-file build/sbom.json

wheel-twice: $(VENV)/.dev ## build the wheel twice and compare the hashes
	$(BIN)/python tools/wheel_twice.py

newcomer: $(VENV)/.core ## play a newcomer's first hour: install, `tau2 new` of each kind, run, report, read the pages
	$(BIN)/python tools/newcomer.py

aenv: $(AENV)/.ready ## start the AEnvironment server and play an episode over it
	$(AENV)/bin/python -m tests.aenv.local

clean: ## remove environments, builds and caches
	rm -rf $(VENV) $(AENV) $(AREAL) $(LOCAL) $(VOICE) $(LOCKED) $(OTHERS) $(TOOLS) $(DOCS) $(NOTEBOOK) $(TRAIN) .venv-all .venv-agents .venv-integrations build dist \
		.pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "$(NO_PYTHON)" >&2; exit 1; }
	@echo "creating $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

$(VENV)/.core: pyproject.toml | $(BIN)/python
	@echo "installing tau2 and what it needs (once)"
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "installing tau2 with its development tools (once)"
	@$(PIP) install --editable '.[dev]'
	@touch $@ $(VENV)/.core

# aenvironment asks for an older pydantic than the Agents SDK and runs on the newer one: it comes last, by itself.
$(AENV)/.ready: aenv/examples/tau2_rl/requirements.txt aenv/builtin-envs/tau2/requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "$(NO_PYTHON)" >&2; exit 1; }
	@echo "creating $(AENV) with the Agents SDK and aenvironment (once)"
	@$(PYTHON) -m venv $(AENV)
	@$(AENV_PIP) install -r aenv/examples/tau2_rl/requirements.txt --editable .
	@$(AENV_PIP) install --no-deps -r aenv/builtin-envs/tau2/requirements.txt
	@touch $@

$(LOCKED)/.ready: constraints.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "$(NO_PYTHON)" >&2; exit 1; }
	@echo "creating $(LOCKED) with exactly the versions of constraints.txt (once)"
	@rm -rf $(LOCKED)
	@$(PYTHON) -m venv $(LOCKED)
	@$(LOCKED)/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r constraints.txt
	@$(LOCKED)/bin/python -m pip --quiet --disable-pip-version-check install \
		--no-deps --no-build-isolation --editable .
	@$(LOCKED)/bin/python -m pip --disable-pip-version-check check
	@touch $@

$(OTHERS)/.ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "$(NO_PYTHON)" >&2; exit 1; }
	@$(PYTHON) -m venv $(OTHERS)
	@$(OTHERS)/bin/python -m pip --quiet --disable-pip-version-check install packaging --editable '.[llm,local,ray,tinker]'
	@touch $@

$(TOOLS)/.ready:
	@test -n "$(PYTHON)" || { echo "$(NO_PYTHON)" >&2; exit 1; }
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip --quiet --disable-pip-version-check install "uv>=0.9" "cyclonedx-bom>=7"
	@touch $@

$(DOCS)/.ready: tools/site/requirements.txt
	@test -n "$(PYTHON)" || { echo "$(NO_PYTHON)" >&2; exit 1; }
	@echo "creating $(DOCS) with Sphinx (once)"
	@$(PYTHON) -m venv $(DOCS)
	@$(DOCS)/bin/python -m pip --quiet --disable-pip-version-check install -r $<
	@touch $@

$(NOTEBOOK)/.ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "$(NO_PYTHON)" >&2; exit 1; }
	@echo "creating $(NOTEBOOK) with Jupyter (once)"
	@$(PYTHON) -m venv $(NOTEBOOK)
	@$(NOTEBOOK)/bin/python -m pip --quiet --disable-pip-version-check install nbclient==0.11.0 "ipykernel>=7,<8" --editable .
	@touch $@

$(TRAIN)/.ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "$(NO_PYTHON)" >&2; exit 1; }
	@echo "creating $(TRAIN) with torch (once)"
	@$(PYTHON) -m venv $(TRAIN)
	@$(TRAIN)/bin/python -m pip --quiet --disable-pip-version-check install "$(strip $(TORCH))" || { rm -rf $(TRAIN); \
		echo "no $(strip $(TORCH)) for this Python; name another build: make test-train TORCH=torch==VERSION" >&2; exit 1; }
	@$(TRAIN)/bin/python -m pip --quiet --disable-pip-version-check install --editable '.[dev,train,ray]'
	@touch $@

$(LOCAL)/.ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "$(NO_PYTHON)" >&2; exit 1; }
	@echo "creating $(LOCAL) with llama.cpp (once)"
	@$(PYTHON) -m venv $(LOCAL)
	@$(LOCAL)/bin/python -m pip --quiet --disable-pip-version-check install --editable '.[dev,local]'
	@touch $@

$(VOICE)/.ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "$(NO_PYTHON)" >&2; exit 1; }
	@echo "creating $(VOICE) with speech engines (once)"
	@$(PYTHON) -m venv $(VOICE)
	@$(VOICE)/bin/python -m pip --quiet --disable-pip-version-check install --editable '.[dev,voice-local]'
	@touch $@

$(AREAL)/.ready: tests/areal/integration/requirements.txt pyproject.toml
	@echo "creating $(AREAL) with areal (once)"
	@$(PYTHON) -m venv $(AREAL)
	@$(AREAL)/bin/python -m pip install -q "$(strip $(TORCH))"
	@$(AREAL)/bin/python -m pip install -q -r $<
	@$(AREAL)/bin/python -m pip install -q --no-deps areal==1.0.4
	@$(AREAL)/bin/python -m pip install -q --editable . gymnasium hypothesis pytest pytest-socket pytest-timeout
	@touch $@
