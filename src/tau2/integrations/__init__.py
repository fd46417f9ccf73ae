"""Adapters for trainers over `tau2.rollout`; each module needs the package it is named after.

    trl               environment_factory(domain) for GRPOTrainer
    verifiers         TauTaskset
    skyrl_gym         TauTextEnv
    tinker_cookbook   TauRLDatasetBuilder
    openenv           TauEnvironment, serve, TauEnvClient

`Episode` and `EpisodeOutcome`, which they share, need no package.
"""

from tau2.integrations.episode import Episode, EpisodeFailed, EpisodeOutcome
from tau2.integrations.toolbox import RESPOND_USER

__all__ = ["RESPOND_USER", "Episode", "EpisodeFailed", "EpisodeOutcome"]
