"""Names, places and other particulars of the carrier's customers. All are invented."""

from __future__ import annotations

FIRST_NAMES = (
    "Adaeze", "Alondra", "Anselm", "Arvid", "Beatriz", "Bodhi", "Calliope", "Casimir", "Chiyo", "Cormac", "Dagny",
    "Darius", "Delphine", "Edda", "Eliska", "Emeka", "Farah", "Fintan", "Giulia", "Greta", "Hamza", "Hedda", "Idris",
    "Ilse", "Imani", "Ivo", "Jolanta", "Kaveh", "Keziah", "Kofi", "Leocadia", "Lorcan", "Maelys", "Malik", "Marisol",
    "Matteo", "Nadia", "Nils", "Noor", "Odalys", "Orson", "Paloma", "Petra", "Quentin", "Rafaela", "Ragna", "Ronan",
    "Saoirse", "Selim", "Soraya", "Tamsin", "Teodor", "Thandi", "Ulrich", "Valentina", "Vikram", "Wanda", "Xiomara",
    "Yusuf", "Zelda",
)  # fmt: skip
LAST_NAMES = (
    "Abernathy", "Achebe", "Aldana", "Bakke", "Banerjee", "Bellweather", "Calloway", "Castellan", "Dobrev",
    "Drummond", "Eastman", "Eriksen", "Fairbanks", "Ferrante", "Galbraith", "Haddad", "Halloran", "Ibarra",
    "Ishikawa", "Jankowski", "Kalloe", "Kessler", "Lindqvist", "Lockhart", "Mbeki", "Montague", "Nakagawa",
    "Novotny", "Okonjo", "Ostrander", "Pemberton", "Petrescu", "Quimby", "Rasmussen", "Rivas", "Sandoval",
    "Szabo", "Tavares", "Thorne", "Underhill", "Vandermeer", "Villanueva", "Wexler", "Whitcombe", "Yarrow",
    "Zielinska",
)  # fmt: skip
STREETS = (
    "Alder Court", "Beacon Lane", "Cinder Road", "Dovecote Street", "Ember Way", "Foxglove Avenue", "Granary Street",
    "Heron Drive", "Ivy Terrace", "Juniper Close", "Kiln Road", "Lantern Hill", "Millrace Lane", "Nettle Street",
    "Orchard Rise", "Pinnacle Avenue", "Quarry Road", "Redwing Lane", "Saltmarsh Drive", "Thistle Street",
)  # fmt: skip
TOWNS = (
    ("Alderbrook", "OR", "97"),
    ("Bayhollow", "ME", "04"),
    ("Cedar Notch", "VT", "05"),
    ("Dunmore Falls", "PA", "18"),
    ("Eastwick Bend", "OH", "44"),
    ("Ferris Point", "WA", "98"),
    ("Granite Fork", "NH", "03"),
    ("Harlow Mills", "GA", "30"),
    ("Iron Ridge", "MN", "55"),
    ("Junction Bay", "MI", "49"),
    ("Kestrel Flats", "NM", "87"),
    ("Larkspur Glen", "CO", "80"),
)
"""Town, state, and how its postal codes begin."""
AREA_CODES = ("207", "312", "404", "505", "541", "614", "720", "802")
PHONES = (
    "Arbor 6", "Arbor 6 Mini", "Corvid X2", "Corvid X2 Pro", "Lumen Fold", "Lumen One", "Marlin 11", "Marlin 11 Plus",
    "Peregrine S", "Tundra 4", "Tundra 4 Lite", "Vesper 3",
)  # fmt: skip
TABLETS = ("Arbor Slate 10", "Corvid Canvas", "Marlin Tab S", "Vesper Board")
OTHERS = (
    ("watch", "Lumen Wrist 2"),
    ("watch", "Tundra Dial"),
    ("router", "Peregrine Hub"),
    ("other", "Vesper Tracker"),
)
