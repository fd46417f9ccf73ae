"""Tables that customers are invented from: names, streets and towns."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import NamedTuple, Self

from pydantic import BaseModel

from tau2.environment.db import read_data_file


class Town(NamedTuple):
    """Where a customer may live."""

    name: str
    state: str
    zip_start: str
    """The first digits of its zip codes."""


class People(BaseModel):
    """The tables of one factory."""

    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    streets: tuple[str, ...]
    street_kinds: tuple[str, ...] = ()
    towns: tuple[Town, ...]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the tables of a TOML file."""
        return cls.model_validate(read_data_file(path))

    def street(self, rng: Random, highest_number: int) -> str:
        """Return a house number and a street, for example "12 Harbor Street"."""
        number = rng.randint(11, highest_number)
        return f"{number} {rng.choice(self.streets)} {rng.choice(self.street_kinds)}"
