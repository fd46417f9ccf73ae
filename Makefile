# run · test · check · bench: each creates what it needs; nothing but Python 3.11+ has to be there.

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
JOBS ?= 2

.PHONY: run test check bench clean aenv test-train test-learning test-tinker test-integrations test-areal faults

TRAIN := .venv-train
TORCH ?= torch==2.13.0+cpu  # the CPU build: a plain torch brings gigabytes of CUDA
AREAL := .venv-areal
AENV := .venv-aenv
AENV_PIP := $(AENV)/bin/python -m pip --quiet --disable-pip-version-check

run: $(VENV)/.core
	$(BIN)/tau2 run --domain retail --agent oracle_agent --user scripted_user --num-tasks 12 --max-concurrency 4
	@echo "(tau2 is $(BIN)/tau2; to have it on your path: . $(BIN)/activate)"

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(JOBS)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/run_all.py

# What needs heavy packages: the trainers on a tiny model (torch), a batch on Ray. To use another build of torch: make test-train TORCH="torch==2.8.0"
test-train: $(TRAIN)/.ready
	$(TRAIN)/bin/python -m pytest -n $(JOBS) --ignore tests/train/test_learning.py \
		tests/train tests/guides/test_online_environment_commands.py tests/unit/runner/test_executors.py

# That training raises the reward, on a tiny model: minutes of CPU
test-learning: $(TRAIN)/.ready
	$(TRAIN)/bin/python -m pytest tests/train/test_learning.py

# The real trainer packages, each in an environment of its own: make test-integrations NAMES="trl openenv"
test-integrations:
	$(PYTHON) tests/integrations/run.py $(NAMES)

# The AReaL example on the real package (Python 3.11, the CPU build of torch)
test-areal: $(AREAL)/.ready
	$(AREAL)/bin/python -m pytest tests/areal/integration -W default -o timeout=300

# Injected faults, seeded; prints how many of each. Minutes of CPU.
faults: $(VENV)/.dev
	$(BIN)/python -m tests.faults.storage --seed 0
	$(BIN)/python -m tests.faults.kill --seed 0 --kills 300
	$(BIN)/python -m tests.faults.endpoint --seed 0
	$(BIN)/python -m tests.faults.secrets --seed 0

# A Tinker-compatible server on this machine (downloads about 3 GB; Python 3.11)
test-tinker:
	$(PYTHON) tests/train/tinker_server/run.py

aenv: $(AENV)/.ready
	$(AENV)/bin/python -m tests.aenv.local

clean:
	rm -rf $(VENV) $(AENV) $(AREAL) $(TRAIN) .venv-integrations build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "tau2 needs Python 3.11, 3.12 or 3.13; install one, or name it: make PYTHON=/path/to/python" >&2; exit 1; }
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
	@test -n "$(PYTHON)" || { echo "tau2 needs Python 3.11, 3.12 or 3.13; name one: make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "creating $(AENV) with the Agents SDK and aenvironment (once)"
	@$(PYTHON) -m venv $(AENV)
	@$(AENV_PIP) install -r aenv/examples/tau2_rl/requirements.txt --editable .
	@$(AENV_PIP) install --no-deps -r aenv/builtin-envs/tau2/requirements.txt
	@touch $@

$(TRAIN)/.ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "tau2 needs Python 3.11, 3.12 or 3.13; name one: make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "creating $(TRAIN) with torch (once)"
	@$(PYTHON) -m venv $(TRAIN)
	@$(TRAIN)/bin/python -m pip --quiet --disable-pip-version-check install "$(strip $(TORCH))" || { rm -rf $(TRAIN); \
		echo "no $(strip $(TORCH)) for this Python; name another build: make test-train TORCH=torch==VERSION" >&2; exit 1; }
	@$(TRAIN)/bin/python -m pip --quiet --disable-pip-version-check install --editable '.[dev,train,ray]'
	@touch $@

$(AREAL)/.ready: tests/areal/integration/requirements.txt pyproject.toml
	@echo "creating $(AREAL) with areal (once)"
	@$(PYTHON) -m venv $(AREAL)
	@$(AREAL)/bin/python -m pip install -q "$(strip $(TORCH))"
	@$(AREAL)/bin/python -m pip install -q -r $<
	@$(AREAL)/bin/python -m pip install -q --no-deps areal==1.0.4
	@$(AREAL)/bin/python -m pip install -q --editable . gymnasium hypothesis pytest pytest-socket pytest-timeout
	@touch $@
