"""Metrics of a run: local files, a plot, Weights & Biases, and progress reports."""

from act_prm.metrics.local import MetricsFile, read_metrics
from act_prm.metrics.plot import reward_curve
from act_prm.metrics.reporting import NoReporter, Reporter
from act_prm.metrics.summary import group_metrics, means
from act_prm.metrics.wandb_log import WandbLog

__all__ = [
    "MetricsFile",
    "NoReporter",
    "Reporter",
    "WandbLog",
    "group_metrics",
    "means",
    "read_metrics",
    "reward_curve",
]
