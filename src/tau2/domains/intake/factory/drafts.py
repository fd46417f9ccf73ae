"""One task: an order that lacks a field, and a customer who knows its value."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tau2.data_model.tasks import (
    Action,
    Description,
    EvaluationCriteria,
    InitializationData,
    InitialState,
    RewardType,
    StructuredUserInstructions,
    Task,
    UserScenario,
)
from tau2.domains.intake.data_model import CallbackOrder, FieldName
from tau2.domains.intake.factory.values import TODAY, Level, noun, person, value_of, words
from tau2.taskgen.drafts import ReferenceCall
from tau2.utils.json_types import JsonObject

_ON_EVERY_FORM: tuple[FieldName, ...] = ("name", "email", "phone", "zip")
"""Fields that a form holds unless they are missing."""


@dataclass(frozen=True, slots=True)
class IntakeDraft:
    """An order that lacks a field, and what is missing."""

    order: CallbackOrder
    field: FieldName
    value: str
    level: Level
    name: str
    """The customer's."""

    @property
    def calls(self) -> list[ReferenceCall]:
        """What the ideal agent does."""
        submitted = {"order_id": self.order.order_id, "fields": {self.field: self.value}}
        return [
            ReferenceCall("get_callback_order", {}),
            ReferenceCall("submit_fields", submitted),
        ]

    def task(self, task_id: str, rng: Random, *, with_order: bool) -> Task:
        """Return the draft as a task; `with_order` puts the order into its initial data."""
        agent_data: JsonObject = {"call": {"order_id": self.order.order_id, "today": TODAY}}
        if with_order:
            agent_data["orders"] = {self.order.order_id: self.order.model_dump()}
        initial = InitializationData(
            agent_data=agent_data, user_data={"entities": self._known_values()}
        )
        actions = [
            Action(action_id=f"{task_id}_{number}", name=call.name, arguments=dict(call.arguments))
            for number, call in enumerate(self.calls)
        ]
        purpose = f"{noun(self.field)}, {self.level}"
        return Task(
            id=task_id,
            description=Description(purpose=purpose[:1].upper() + purpose[1:]),
            user_scenario=UserScenario(
                persona=rng.choice(words()["scenario"]["personas"]), instructions=self._told(rng)
            ),
            initial_state=InitialState(initialization_data=initial),
            evaluation_criteria=EvaluationCriteria(actions=actions, reward_basis=[RewardType.DB]),
        )

    def _known_values(self) -> JsonObject:
        return {"name": self.name, self.field: self.value}

    def _told(self, rng: Random) -> StructuredUserInstructions:
        texts = words()["scenario"]
        shown = f"${self.value}" if self.field == "amount" else self.value
        known = [rng.choice(texts["known"]).format(noun=noun(self.field), value=shown)]
        if self.field == "name":
            known = [rng.choice(texts["names"]).format(name=self.name)]
        else:
            known.insert(0, rng.choice(texts["names"]).format(name=self.name))
        return StructuredUserInstructions(
            domain="intake",
            reason_for_call=rng.choice(texts["reasons"]).format(product=self.order.product),
            known_info=" ".join(known),
            task_instructions=rng.choice(texts["directions"]).format(noun=noun(self.field)),
        )


def draft(order_id: str, field: FieldName, level: Level, rng: Random) -> IntakeDraft:
    """Return a draft whose order has the given number."""
    value = value_of(field, level, rng)
    name = value if field == "name" else person("easy", rng)
    form: dict[FieldName, str] = {
        one: name if one == "name" else value_of(one, "easy", rng)
        for one in _ON_EVERY_FORM
        if one != field
    }
    order = CallbackOrder(
        order_id=order_id,
        product=rng.choice(words()["all"]["products"]),
        fields=form,
        missing=[field],
    )
    return IntakeDraft(order, field, value, level, name)
