"""What a run measures: local files, a plot, Weights & Biases where it is wanted, and progress for whoever watches."""

from act_prm.metrics.local import MetricsFile, read_metrics
from act_prm.metrics.plot import reward_curve
from act_prm.metrics.reporting import Reporter, Silent
from act_prm.metrics.summary import group_metrics, means
from act_prm.metrics.wandb_log import WandbLog

__all__ = [
    "MetricsFile",
    "Reporter",
    "Silent",
    "WandbLog",
    "group_metrics",
    "means",
    "read_metrics",
    "reward_curve",
]
