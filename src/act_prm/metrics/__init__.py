"""Metrics of a run: local files, a plot, trackers such as W&B, and progress reports."""

from act_prm.metrics.local import MetricsFile, read_metrics
from act_prm.metrics.plot import reward_curve
from act_prm.metrics.reporting import NoReporter, Reporter
from act_prm.metrics.summary import group_metrics, means
from act_prm.metrics.trackers import TRACKERS, TrackedRun, Tracker, check_trackers, trackers_of

__all__ = [
    "TRACKERS",
    "MetricsFile",
    "NoReporter",
    "Reporter",
    "TrackedRun",
    "Tracker",
    "check_trackers",
    "group_metrics",
    "means",
    "read_metrics",
    "reward_curve",
    "trackers_of",
]
