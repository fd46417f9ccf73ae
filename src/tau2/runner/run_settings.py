"""Settings that a run depends on and `Info` has no field for.

They are recorded in the journal, and compared when a run is continued.
"""

from __future__ import annotations

import json

from tau2.data_model.run_config import RunConfig, TextRunConfig
from tau2.environment.environment import Environment
from tau2.evaluator.evaluator import EvaluationType
from tau2.llm import redact_args
from tau2.runner.resolve import environment_of, judge_of
from tau2.utils.json_types import JsonMapping, JsonObject


def run_settings(
    config: RunConfig,
    evaluation_type: EvaluationType = EvaluationType.ALL,
    environment: Environment | None = None,
) -> JsonObject:
    """Return the settings of a run that `Info` does not carry, as JSON, without secrets.

    `data.*` are the canonical hashes of the domain's databases: changed data is seen (its policy is
    in `Info`).
    """
    environment = environment or environment_of(config)()
    settings: JsonObject = {
        "evaluation_type": evaluation_type.value,
        "llm_args_judge": without_secrets(judge_of(config).args),
        "user_persona": without_secrets(config.user_persona or {}),
        "data.db": environment.get_db_hash(),
        "data.user_db": environment.get_user_db_hash(),
    }
    if isinstance(config, TextRunConfig):
        return {**settings, "user_monitor": config.user_monitor}
    return {**settings, "user": config.user, "speech_condition": config.speech_condition}


def without_secrets(args: JsonMapping) -> JsonObject:
    """Return arguments without keys, headers and passwords, at any depth and in addresses."""
    return redact_args(json.loads(json.dumps(args, default=str)))
