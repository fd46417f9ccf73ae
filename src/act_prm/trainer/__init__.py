"""Trainers: one loop, and for each name the phases it goes through.

trainer = get_trainer("rl")(workbench)
await trainer.train()
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from act_prm.trainer.demonstrated import DemonstrationPhase, FineTunePhase
from act_prm.trainer.loop import Interrupted, Trainer
from act_prm.trainer.online import OnlinePhase
from act_prm.trainer.phase import Phase
from act_prm.trainer.thoughts import ActionPromptPhase, ThoughtPhase
from act_prm.trainer.workbench import Workbench
from tau2.errors import UnknownName

_PHASES: Mapping[str, Sequence[Callable[[Workbench], Phase]]] = {
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


def get_trainer(name: str) -> Callable[[Workbench], Trainer]:
    """Return what makes the trainer of that name from a workbench. Raise UnknownName with the nearest."""
    if name not in _PHASES:
        raise UnknownName("trainer", name, _PHASES)
    return lambda bench: Trainer(bench, [make(bench) for make in _PHASES[name]])


__all__ = ["Interrupted", "Phase", "Trainer", "Workbench", "get_trainer"]
