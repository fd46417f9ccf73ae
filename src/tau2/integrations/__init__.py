"""Faces for other people's trainers, each thin over `tau2.rollout`; a module needs the package it is named after.

    trl               environment_factory(domain) for GRPOTrainer
    verifiers         TauTaskset
    skyrl_gym         TauTextEnv
    tinker_cookbook   TauRLDatasetBuilder
    openenv           TauEnvironment, serve, TauEnvClient

What they share, `Episode` and `Outcome`, needs no package.
"""

from tau2.integrations.episode import Episode, EpisodeFailed, Outcome
from tau2.integrations.toolbox import RESPOND_USER

__all__ = ["RESPOND_USER", "Episode", "EpisodeFailed", "Outcome"]
