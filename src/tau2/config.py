"""Defaults, each with its unit and reason, and the one place where environment variables are read.

Names that start with DEFAULT_ are public: `from tau2.config import *` is used by downstream code.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tau2._compat.patching import patched

DEFAULT_MAX_STEPS = 200  # hops (messages and tool executions) before an episode is stopped
DEFAULT_MAX_ERRORS = 10  # failed tool calls in one episode
DEFAULT_SEED = 300  # published scores of the original use it
DEFAULT_MAX_CONCURRENCY = 3  # episodes at once
DEFAULT_NUM_TRIALS = 1
DEFAULT_SAVE_TO: str | None = None
DEFAULT_LOG_LEVEL = "ERROR"
DEFAULT_MAX_RETRIES = 3  # further attempts after an infrastructure failure
DEFAULT_STOP_AFTER_FAILURES = 5  # infrastructure failures of one model in a row that end a run
DEFAULT_RETRY_DELAY = 1.0  # seconds before a failed episode is attempted again

DEFAULT_AGENT_IMPLEMENTATION = "llm_agent"
DEFAULT_USER_IMPLEMENTATION = "user_simulator"
DEFAULT_LLM_AGENT = "gpt-4.1-2025-04-14"
DEFAULT_LLM_USER = "gpt-4.1-2025-04-14"
DEFAULT_LLM_TEMPERATURE_AGENT = 0.0
DEFAULT_LLM_TEMPERATURE_USER = 0.0
DEFAULT_LLM_ARGS_AGENT: dict[str, Any] = {"temperature": DEFAULT_LLM_TEMPERATURE_AGENT}
DEFAULT_LLM_ARGS_USER: dict[str, Any] = {"temperature": DEFAULT_LLM_TEMPERATURE_USER}
DEFAULT_FIRST_AGENT_MESSAGE_TEXT = (
    "Hi! How can I help you today?"  # the greeting of published trajectories
)

DEFAULT_LLM_NL_ASSERTIONS = "gpt-4.1-2025-04-14"
DEFAULT_LLM_NL_ASSERTIONS_TEMPERATURE = 0.0
DEFAULT_LLM_NL_ASSERTIONS_ARGS: dict[str, Any] = {
    "temperature": DEFAULT_LLM_NL_ASSERTIONS_TEMPERATURE
}
DEFAULT_LLM_ENV_INTERFACE = "gpt-4.1-2025-04-14"
DEFAULT_LLM_ENV_INTERFACE_ARGS: dict[str, Any] = {"temperature": 0.0}
DEFAULT_LLM_EVAL_USER_SIMULATOR = "claude-opus-4-5"

DEFAULT_RETRY_ATTEMPTS = 3  # further attempts of one model call
DEFAULT_RETRY_MIN_WAIT = 1.0  # seconds: base of the exponential back-off
DEFAULT_RETRY_MAX_WAIT = 10.0  # seconds: cap of one back-off wait that no Retry-After dictates
DEFAULT_RETRY_MULTIPLIER = 1.0
DEFAULT_MODEL_TIMEOUT = 600.0  # seconds for one model call; reasoning models take minutes
DEFAULT_EMPTY_RETRIES = 2  # times an empty answer is asked again

# Names of the original that nothing here reads.
LLM_CACHE_ENABLED = False  # --cache
USE_LANGFUSE = False  # --otel
API_PORT = 8000  # --port
TERM_DARK_MODE = True

PACKAGE_ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds the package.

Domain data lies in `<root>/tau2/domains/<domain>/`, as in TAU2_DATA_DIR.
"""


def data_dir() -> Path:
    """Return the folder of `tau2/domains`: a patched DATA_DIR, TAU2_DATA_DIR, or our own data.

    Looked up at every call, so that a test or a client may point elsewhere at any time.
    """
    replacement = patched("tau2.utils.utils", "DATA_DIR")
    if replacement is not None:
        return Path(replacement)
    named = os.environ.get("TAU2_DATA_DIR")
    return Path(named).expanduser() if named else PACKAGE_ROOT


def is_foreign_data() -> bool:
    """Return whether the data directory is not the package's own."""
    folder = data_dir()
    return folder != PACKAGE_ROOT and folder.resolve() != PACKAGE_ROOT


def strict_compat() -> bool:
    """Return whether the original's behaviour is reproduced where published scores depend on it.

    TAU2_STRICT_COMPAT (1/0) decides; unset, it is on for a foreign data directory and off for our
    own.
    """
    named = os.environ.get("TAU2_STRICT_COMPAT", "").strip().lower()
    if named:
        return named not in {"0", "false", "no", "off"}
    return is_foreign_data()


def domain_dir(domain: str) -> Path:
    """Return the folder of a domain's data files."""
    return data_dir().joinpath("tau2", "domains", domain)


def simulations_dir() -> Path:
    """Return where runs are saved.

    TAU2_SIMULATIONS_DIR, else below TAU2_DATA_DIR, else ./data/simulations.
    """
    named = os.environ.get("TAU2_SIMULATIONS_DIR")
    if named:
        return Path(named).expanduser()
    return (data_dir() if is_foreign_data() else Path("data")) / "simulations"


def cache_dir() -> Path:
    """Return where what can be made again is kept: TAU2_CACHE_DIR, else the user's own cache."""
    named = os.environ.get("TAU2_CACHE_DIR")
    if named:
        return Path(named).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path("~/.cache").expanduser()) / "tau2"


def models_dir() -> Path:
    """Return where weights of local models are kept: TAU2_MODELS_DIR, else in the cache."""
    named = os.environ.get("TAU2_MODELS_DIR")
    return Path(named).expanduser() if named else cache_dir() / "models"


def judge_model() -> str:
    """Return the model that judges natural-language assertions: TAU2_JUDGE_LLM or the default."""
    return os.environ.get("TAU2_JUDGE_LLM") or DEFAULT_LLM_NL_ASSERTIONS
