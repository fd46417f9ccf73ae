from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel

from tau2.environment.tool import as_tool
from tau2.report.terminal.domain_page import signature


class Address(BaseModel):
    """Where somebody lives."""

    street: str


def move(
    who: str,
    to: Address,
    kinds: list[Literal["home", "work"]],
    floor: int | None = None,
    fee: float = 2.5,
):
    """Move somebody."""


def odd(anything, pairs: dict[str, int], flag: bool = False):
    """Take anything."""


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (
            move,
            (
                "move(who: str, to: Address, kinds: list['home' | 'work'], "
                "floor: int | None = None, fee: float = 2.5)"
            ),
        ),
        (odd, "odd(anything: Any, pairs: dict, flag: bool = False)"),
    ],
)
def test_a_signature_reads_like_python(function, text):
    assert signature(as_tool(function)) == text
