"""Law: a fork continues as a fresh episode with the same past, and forks are independent."""

from __future__ import annotations

import itertools
import pickle
import random
from collections.abc import Iterator, Sequence

import pytest
from tests.laws.drivers import by_rollout
from tests.laws.plays import Play, moves_of, outcome, some_plays, stray_move

from tau2.data_model.message import AssistantMessage
from tau2.rollout import Rollout
from tau2.seeds import derive_seed

pytestmark = pytest.mark.slow

DOMAINS = ("mock", "airline", "retail", "telecom", "telecom-workflow")
POINTS = 100
PLAYS = 25  # each is forked at several points
RESTORED_EVERY = 5  # pickling takes its time
MOST_MOVES = 40  # more than any of these episodes takes


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_child_goes_on_as_a_fresh_replay_does(domain):
    rng = random.Random(derive_seed(2, "forks", domain))
    plays = some_plays(domain, PLAYS)
    replayed = [by_rollout(play) for play in plays]
    for number, (which, at, parent) in enumerate(itertools.islice(fork_points(rng, plays), POINTS)):
        play = plays[which]
        others = [elsewhere(play, at, rng) for _ in range(2)]
        relatives = [*parent.fork(2), parent]
        if number % RESTORED_EVERY == 0:
            relatives.append(restored(play, parent))
        finish_by_turns(
            relatives, [rest_of(ending, at) for ending in (play, *others, play)[: len(relatives)]]
        )
        wanted = [replayed[which], *map(by_rollout, others), replayed[which]]
        for relative, replay in zip(relatives, wanted, strict=False):
            assert outcome(relative.run, relative.environment) == replay, (
                f"{play.task.id} from move {at}"
            )


def fork_points(rng: random.Random, plays: Sequence[Play]) -> Iterator[tuple[int, int, Rollout]]:
    """Yield without end: a play, the number of its turns so far, and the episode there."""
    for which in itertools.cycle(range(len(plays))):
        play = plays[which]
        at = rng.randrange(len(play.moves) + 1)
        rollout = Rollout(play.setup)
        result = rollout.reset(play.task, seed=play.seed)
        for move in play.moves[:at]:
            result = result if result.done else rollout.step(move)
        if not result.done:
            yield which, at, rollout


def elsewhere(play: Play, at: int, rng: random.Random) -> Play:
    """Return the play with another ending."""
    strays = (stray_move(rng, play.domain) for _ in range(rng.randint(1, 6)))
    return Play(play.domain, play.task, play.seed, (*play.moves[:at], *strays))


def restored(play: Play, rollout: Rollout) -> Rollout:
    later = Rollout(play.setup)
    later.restore(pickle.loads(pickle.dumps(rollout.snapshot())))
    return later


def rest_of(play: Play, at: int) -> list[AssistantMessage]:
    return list(itertools.islice(moves_of(play), at, at + MOST_MOVES))


def finish_by_turns(rollouts: list[Rollout], moves: list[list[AssistantMessage]]) -> None:
    """Play all to their ends, one turn of each at a time, so that they could disturb each other."""
    for round_of_moves in zip(*moves, strict=True):
        for rollout, move in zip(rollouts, round_of_moves, strict=True):
            if not rollout.result.done:
                rollout.step(move)
    assert all(rollout.result.done for rollout in rollouts)
