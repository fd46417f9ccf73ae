"""How many ways a scripted customer has to say a thing."""

from __future__ import annotations

import pytest

from tau2.user.scripted_user import speaking
from tau2.user.scripted_user.phrases import PHRASES

FEWEST = 12
FORMS = {
    "facts": speaking._FACT_FORMS,
    "names": speaking._NAME_FORMS,
    "payments": speaking._PAYMENT_FORMS,
    "reasons": speaking._REASON_FORMS,
    "missing facts": speaking._MISSING_FORMS,
    "wishes": speaking._WISH_FORMS,
    "introductions": speaking._INTRODUCTIONS,
}


@pytest.mark.parametrize(("act", "forms"), [*PHRASES.items(), *FORMS.items()])
def test_every_act_has_twelve_forms_and_none_twice(act: str, forms: tuple[str, ...]) -> None:
    assert len(set(forms)) == len(forms) >= FEWEST, act


def test_a_terse_form_is_no_longer_than_the_usual_ones() -> None:
    for act, forms in PHRASES.items():
        if act.endswith("_terse"):
            usual = PHRASES[act.removesuffix("_terse")]
            assert sum(map(len, forms)) / len(forms) < sum(map(len, usual)) / len(usual)
