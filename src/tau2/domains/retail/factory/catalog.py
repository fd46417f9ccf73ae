"""The product types of the shop, as `catalog.toml` lists them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from tau2.environment.db import read_data_file


@dataclass(frozen=True, slots=True)
class ProductAxis:
    """One thing a customer chooses about a product."""

    name: str
    values: tuple[str, ...]
    phrase: str
    """How a customer says it, with `{}` for the value: "in size {}"."""
    spread: float
    """How much dearer the last value is than the first, as a fraction of the base price."""


@dataclass(frozen=True, slots=True)
class ProductType:
    """One row of the catalog."""

    name: str
    base: float
    """US dollars."""
    axes: tuple[ProductAxis, ...]


PRODUCT_TYPES = TypeAdapter(tuple[ProductType, ...]).validate_python(
    read_data_file(Path(__file__).with_suffix(".toml"))["products"]
)
