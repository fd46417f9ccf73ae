"""Configuration: YAML files under `configs/`, and their models."""

from act_prm.config.files import config_folders, read_config
from act_prm.config.models import (
    GeneratorConfig,
    ReplayBufferConfig,
    ToolCallTags,
    TrainerConfig,
    checked,
)

__all__ = [
    "GeneratorConfig",
    "ReplayBufferConfig",
    "ToolCallTags",
    "TrainerConfig",
    "checked",
    "config_folders",
    "read_config",
]
