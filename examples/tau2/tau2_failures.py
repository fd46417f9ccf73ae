"""Why an episode brought no reward.

AReaL discards the trajectory of a workflow that raises; 0.0 would teach.
"""

from __future__ import annotations

from tau2.errors import ModelError, Tau2Error


class EpisodeDiscarded(Tau2Error):
    """The episode says nothing about the policy and must not be scored."""


class InfrastructureFailed(EpisodeDiscarded):
    """The policy's endpoint, a judge or the machine failed."""


class UserSimulatorFailed(EpisodeDiscarded):
    """The simulated user broke down."""


class EpisodeTimedOut(EpisodeDiscarded):
    """The episode's wall-clock limit ran out."""


class AnswerLost(ModelError):
    """The policy's answer did not arrive.

    The proxy may have recorded it, so the policy is not asked again.
    """
