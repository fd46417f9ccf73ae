"""The airline's map: where the airports lie and which of them are joined by daily flights."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import asin, cos, radians, sin, sqrt
from random import Random

from tau2.domains.airline.lookups import AIRPORTS

_PLACES = {
    "SFO": (37.6, -122.4), "JFK": (40.6, -73.8), "LAX": (33.9, -118.4), "ORD": (42.0, -87.9),
    "DFW": (32.9, -97.0), "DEN": (39.9, -104.7), "SEA": (47.4, -122.3), "ATL": (33.6, -84.4),
    "MIA": (25.8, -80.3), "BOS": (42.4, -71.0), "PHX": (33.4, -112.0), "IAH": (30.0, -95.3),
    "LAS": (36.1, -115.2), "MCO": (28.4, -81.3), "EWR": (40.7, -74.2), "CLT": (35.2, -80.9),
    "MSP": (44.9, -93.2), "DTW": (42.2, -83.4), "PHL": (39.9, -75.2), "LGA": (40.8, -73.9),
}  # fmt: skip
"""Latitude and longitude in degrees."""

_HUB_CANDIDATES = ("ORD", "DFW", "DEN", "ATL", "IAH", "CLT", "MSP", "PHX")
_HUBS = 4
_HUB_FLIGHTS = 3  # a day and direction between two hubs
_FLIGHTS = 2  # a day and direction elsewhere
_LONG_MILES = 700  # airports of one region need no flights of their own outside of the hubs
_EARTH_RADIUS = 3959.0  # miles

FLIGHTS_IN_ALL = 300


def miles(origin: str, destination: str) -> float:
    """Return the distance between two airports."""
    lat1, lon1 = _PLACES[origin]
    lat2, lon2 = _PLACES[destination]
    north = radians(lat2 - lat1)
    east = radians(lon2 - lon1)
    chord = sin(north / 2) ** 2 + cos(radians(lat1)) * cos(radians(lat2)) * sin(east / 2) ** 2
    return 2 * _EARTH_RADIUS * asin(sqrt(chord))


def routes(rng: Random) -> Iterator[tuple[str, str, int]]:
    """Yield origin, destination and flights a day of every route; FLIGHTS_IN_ALL together."""
    hubs = sorted(rng.sample(_HUB_CANDIDATES, _HUBS))
    spokes = [iata for iata, _ in AIRPORTS if iata not in hubs]
    left = FLIGHTS_IN_ALL
    for pair, flights in [
        *((pair, _HUB_FLIGHTS) for pair in combinations(hubs, 2)),
        *(((hub, spoke), _FLIGHTS) for hub in hubs for spoke in spokes),
    ]:
        left -= 2 * flights
        yield from ((*pair, flights), (*pair[::-1], flights))
    distant = [pair for pair in combinations(spokes, 2) if miles(*pair) > _LONG_MILES]
    for pair in rng.sample(distant, left // (2 * _FLIGHTS)):
        yield from ((*pair, _FLIGHTS), (*pair[::-1], _FLIGHTS))
