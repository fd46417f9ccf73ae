"""Trainers: one loop, and for each name the phases that it runs.

trainer = get_trainer("rl")(context)
await trainer.train()
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from act_prm.trainer.context import TrainingContext
from act_prm.trainer.loop import Interrupted, Trainer
from act_prm.trainer.phase_protocol import Phase
from act_prm.trainer.rl import OnlinePhase
from act_prm.trainer.sft import DemonstrationPhase, FineTunePhase
from act_prm.trainer.thoughts import ActionPromptPhase, ThoughtPhase
from tau2.errors import UnknownName

_PHASES: Mapping[str, Sequence[Callable[[TrainingContext], Phase]]] = {
    "rl": (OnlinePhase,),
    "sft": (DemonstrationPhase,),
    "act_prm": (ActionPromptPhase, ThoughtPhase),
    "act_prm_for_sft": (ActionPromptPhase, partial(ThoughtPhase, keeps=True), FineTunePhase),
    "act_prm_sft_eval": (
        ActionPromptPhase,
        partial(ThoughtPhase, keeps=True, evaluates=False),
        FineTunePhase,
    ),
    "act_prm_sft_rl": (
        ActionPromptPhase,
        partial(ThoughtPhase, keeps=True),
        FineTunePhase,
        OnlinePhase,
    ),
    "act_prm_joint": (ActionPromptPhase, partial(ThoughtPhase, joint=True)),
}


def get_trainer(name: str) -> Callable[[TrainingContext], Trainer]:
    """Return the factory of the trainer of that name. Raise UnknownName with the nearest name."""
    if name not in _PHASES:
        raise UnknownName("trainer", name, _PHASES)
    return lambda context: Trainer(context, [phase(context) for phase in _PHASES[name]])


__all__ = ["Interrupted", "Phase", "Trainer", "TrainingContext", "get_trainer"]
