"""AReaL's PPO configuration with this example's part. Needs AReaL."""

from dataclasses import dataclass, field

from areal.api.cli_args import PPOConfig
from tau2_utils import Tau2EnvConfig


@dataclass
class Tau2PPOConfig(PPOConfig):
    """What `config.yaml` and the command line fill in."""

    econfig: Tau2EnvConfig = field(default_factory=Tau2EnvConfig)
    do_eval: bool = False
