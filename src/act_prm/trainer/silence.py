"""Why no group of a batch teaches, in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from act_prm.replay_buffer import Trajectory, TrajectoryGroup
from tau2.utils.text import plural

FIRST_REPORT = 2
"""Consecutive batches without a group that teaches before the first report."""


def is_silent(groups: Sequence[TrajectoryGroup]) -> bool:
    """Return whether there are groups and none has a gradient."""
    return bool(groups) and not any(group.has_signal for group in groups)


def why_silent(groups: Sequence[TrajectoryGroup], batches: int) -> str:
    """Return a sentence that names what the groups of the last batch have in common, counted."""
    episodes = [one for group in groups for one in group]
    causes = [
        *_left_out(groups),
        *_rewards(groups),
        *_replies(episodes),
    ]
    return (
        f"nothing was learned in the last {batches} batches: within no group do rewards differ. "
        f"In the last batch: {'; '.join(causes)}"
    )


def _left_out(groups: Sequence[TrajectoryGroup]) -> list[str]:
    """Return what kept episodes out of their groups."""
    counts = {
        "failed with the infrastructure": sum(group.infra_failed for group in groups),
        "failed with the simulated user": sum(group.user_failed for group in groups),
        "had a prompt that did not fit": sum(group.unplayed for group in groups),
    }
    return [f"{plural(count, 'episode')} {what}" for what, count in counts.items() if count]


def _rewards(groups: Sequence[TrajectoryGroup]) -> list[str]:
    """Return how many groups have which single reward."""
    sizes = [len(group) for group in groups]
    alone = sum(size == 1 for size in sizes)
    shared = Counter(_named(group.rewards[0]) for group in groups if len(group) > 1)
    texts = [f"{plural(count, 'group')} with {name} only" for name, count in shared.most_common(3)]
    if alone:
        texts.append(f"{plural(alone, 'group')} of one episode, which is compared with nothing")
    return texts


def _named(reward: float) -> str:
    return f"rewards of {reward:.3g}"


def _replies(episodes: Sequence[Trajectory]) -> list[str]:
    """Return what the replies had in common."""
    steps = [step for one in episodes for step in one.steps]
    cut_off = sum(not step.finished for step in steps)
    unreadable = sum(int(one.info.get("invalid_actions", 0)) for one in episodes)
    truncated = sum(bool(one.info.get("truncated")) for one in episodes)
    texts = []
    if cut_off:
        texts.append(f"max_tokens cut off {cut_off:,} of the {len(steps):,} replies")
    if unreadable:
        texts.append(f"{plural(unreadable, 'call')} that could not be read or executed")
    if truncated:
        texts.append(f"{plural(truncated, 'episode')} that reached a limit")
    return texts
