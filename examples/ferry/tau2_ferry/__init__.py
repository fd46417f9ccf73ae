"""A ferry company: the agent has to find the tools that it needs in ten articles."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from tau2.data_model.tasks import Task
from tau2.environment.discovery import DiscoverableAgentTools, DiscoveryDB
from tau2.environment.domain import DomainSpec, load_reference_db, load_tasks_file
from tau2.environment.environment import Environment
from tau2.environment.toolkit import ToolType, is_discoverable_tool, is_tool
from tau2.errors import ToolError
from tau2.knowledge.access import Knowledge
from tau2.knowledge.documents import Document, DocumentSet
from tau2.knowledge.tools import with_knowledge
from tau2.knowledge.variants import DESCRIPTIONS, variant_named

HERE = Path(__file__).parent
ARTICLES = tomllib.loads((HERE / "articles.toml").read_text(encoding="utf-8"))
DOCUMENTS = DocumentSet(Document(**article) for article in ARTICLES["documents"])
POLICY = """\
You work at the counter of a ferry company. It is June 2, 2026. The rules stand in the knowledge
base: search it before you promise anything, and do what it says. It names tools that your list does
not have; unlock such a tool when you are going to call it.
"""
WHOLE = 100  # percent
VARIANTS = ("no_knowledge", "grep_only", "bm25", "bm25_grep", "terminal_use")


class Sailing(BaseModel):
    """A departure."""

    departs: str
    cancelled: bool
    car_places: int


class Booking(BaseModel):
    """A ticket."""

    passenger: str
    sailing: str
    has_car: bool
    fare: float
    refunded: float = 0.0


class FerryDB(DiscoveryDB):
    """Departures and tickets, and the log of discoverable tools."""

    sailings: dict[str, Sailing]
    bookings: dict[str, Booking]


class FerryTools(DiscoverableAgentTools):
    """What the agent at the counter can do."""

    db: FerryDB

    @is_tool(ToolType.READ)
    def get_booking(self, booking_id: str) -> Booking:
        """Look at a booking.

        Args:
            booking_id: The number of the booking, such as B201.
        """
        if booking_id not in self.db.bookings:
            raise ToolError(f"there is no booking {booking_id}")
        return self.db.bookings[booking_id]

    @is_discoverable_tool(ToolType.WRITE)
    def refund_fare_8712(self, booking_id: str, percent: int) -> str:
        """Pay a part of a fare back.

        Args:
            booking_id: The number of the booking.
            percent: How much of the fare, from 1 to 100.
        """
        booking = self.get_booking(booking_id)
        if booking.refunded or not 0 < percent <= WHOLE:
            raise ToolError("a fare is paid back once, and at most whole")
        booking.refunded = booking.fare * percent / WHOLE
        return f"{booking.refunded:.2f} are paid back."

    @is_discoverable_tool(ToolType.WRITE)
    def move_vehicle_4150(self, booking_id: str, sailing: str) -> str:
        """Move a car to another sailing.

        Args:
            booking_id: The number of the booking.
            sailing: The number of the new sailing, such as S12.
        """
        booking = self.get_booking(booking_id)
        to = self.db.sailings.get(sailing)
        if to is None or to.cancelled or not to.car_places or not booking.has_car:
            raise ToolError(f"there is no place for this booking on {sailing}")
        self.db.sailings[booking.sailing].car_places += 1
        self.db.sailings[sailing].car_places -= 1
        booking.sailing = sailing
        return f"The car is booked on {sailing}."


def get_environment(
    db: FerryDB | None = None,
    solo_mode: bool = False,
    retrieval_variant: str = "bm25_grep",
    retrieval_kwargs: Mapping[str, object] | None = None,
) -> Environment:
    """Return a fresh ferry company whose agent reads by the given variant."""
    knowledge = Knowledge(DOCUMENTS, variant_named(retrieval_variant, retrieval_kwargs))
    make_tools = with_knowledge(FerryTools, knowledge)
    tools = make_tools(db or load_reference_db(FerryDB, HERE / "db.json"))
    return Environment("ferry", POLICY, tools, solo_mode=solo_mode)


def get_tasks(split_name: str | None = None) -> list[Task]:
    """Return the three tasks."""
    return load_tasks_file(HERE / "tasks.json")


DOMAIN = DomainSpec(
    name="ferry",
    environment=get_environment,
    tasks=get_tasks,
    documents=lambda: DOCUMENTS,
    variants={name: DESCRIPTIONS[name] for name in VARIANTS},
    default_variant="bm25_grep",
    plain_variant="no_knowledge",
    supports_solo=False,
)
