"""Tables for invented travellers: names, streets and towns. All of it is data."""

from __future__ import annotations

_FIRST = """
Adaeze Aileen Alaric Alondra Amadou Anneke Ariadne Arvid Aziza Bartholomew Bettina Bram Briony Calista Casimir
Chandra Clement Corinne Cosmo Daphne Darragh Deirdre Dionne Ebba Edgar Eilidh Elke Elspeth Emilio Ephraim Evander
Fenna Fergus Fiorella Florian Gemma Gaspard Genevieve Gunnar Hadley Harriet Heloise Hiroko Horatio Ignatius Ilse
Imani Ingo Iolanthe Ivo Jacinta Jarek Joelle Jonas Kamala Katya Kelda Konrad Lavinia Leander Leopold Liesel Lorcan
Ludmila Lysander Maeve Marcel Mathilde Melchior Minerva Moritz Nadine Nerys Niamh Noor Octavia Olwen Orla Orson
Paloma Pascal Percival Perpetua Piers Priya Quincy Ragnar Roisin Rosamund Rupert Sabine Sanna Seamus Sigrid Solveig
Sunniva Tadeo Tariq Thaddeus Tilda Ulla Valentin Verity Viggo Wendell Willa Wolfgang Ximena Yannick Yuki Zora
"""

_LAST = """
Aldercott Amberley Anstruther Arkwright Bancroft Barnwell Beauclerk Bexhill Birkdale Blackmoor Brackenridge
Brannigan Brockhurst Cadwallader Carrick Cathcart Chilton Clutterbuck Coppersmith Cotterill Crickmore Cullinane
Dalrymple Darlington Devereaux Drummond Dunmore Eddowes Ellerby Elphinstone Endicott Fairweather Fanshawe Farquhar
Fennimore Fitzwarren Fothergill Gainsborough Garrick Gilchrist Glastonbury Goodfellow Grantham Greville Hallewell
Hargreaves Hathersage Haverford Heatherington Hollingbourne Huxtable Inchbald Inglewood Ironside Jellicoe Jessop
Kellaway Kenworthy Kilbride Kittredge Lachlan Langridge Lethbridge Lillywhite Lonsdale Lovelace Lyttleton Maddox
Marchbanks Mayhew Melrose Middlemarch Mountjoy Nethercott Nightshade Northcott Oakenshaw Oglethorpe Orpington
Osgood Paisley Partington Peverell Pilkington Pomfret Prendergast Quartermain Quigley Ravenscroft Rawnsley Redgrave
Rockingham Rosewarne Sackville Salthouse Seabright Shackleton Silverthorne Somerville Stanhope Strickland Swinburne
Tamworth Templeton Thornycroft Tredegar Trevelyan Tuttleby Uttoxeter Vavasour Verulam Wadsworth Walsingham
Waterhouse Wetherell Whitcombe Willoughby Windermere Woolstencroft Wycherley Yardley Yellowlees
"""

_STREET = """
Acacia Aspen Badger Barnacle Beechnut Bittersweet Boxwood Bridgewater Buttercup Candlewick Carousel Chestnut
Cinnamon Clearwater Cloverfield Compass Coral Cranberry Crescent Dandelion Driftwood Dunlin Ember Fennel Fernhill
Firefly Flint Foxhollow Gable Ginger Goldfinch Harvest Hazelnut Hillcrest Honeysuckle Ivy Jackdaw Kingfisher Lakeshore
Lark Lilac Limestone Maplewood Millrace Mistletoe Moonstone Nutmeg Oakleaf Orchid Otter Paddock Peppermint Pinecone
Primrose Puffin Quartz Raven Rosemary Rowan Sandstone Seaglass Shepherd Silverleaf Snowdrop Spindle Stonebridge
Sunflower Swallow Tamarind Thimble Timberline Turnstone Umber Valley Violet Watermill Willowbrook Yewtree
"""

FIRST_NAMES = tuple(_FIRST.split())
LAST_NAMES = tuple(_LAST.split())
"""None of them is a family name of the public data set, so that no user id can be one of its ids."""
STREETS = tuple(_STREET.split())
STREET_KINDS = ("Street", "Lane", "Avenue", "Road", "Court", "Drive", "Place", "Boulevard")

TOWNS = (
    ("San Francisco", "CA", "941"), ("Oakland", "CA", "946"), ("Los Angeles", "CA", "900"), ("Pasadena", "CA", "911"),
    ("New York", "NY", "100"), ("Yonkers", "NY", "107"), ("Chicago", "IL", "606"), ("Evanston", "IL", "602"),
    ("Dallas", "TX", "752"), ("Fort Worth", "TX", "761"), ("Houston", "TX", "770"), ("Denver", "CO", "802"),
    ("Boulder", "CO", "803"), ("Seattle", "WA", "981"), ("Tacoma", "WA", "984"), ("Atlanta", "GA", "303"),
    ("Decatur", "GA", "300"), ("Miami", "FL", "331"), ("Orlando", "FL", "328"), ("Boston", "MA", "021"),
    ("Worcester", "MA", "016"), ("Phoenix", "AZ", "850"), ("Tempe", "AZ", "852"), ("Las Vegas", "NV", "891"),
    ("Newark", "NJ", "071"), ("Trenton", "NJ", "086"), ("Charlotte", "NC", "282"), ("Minneapolis", "MN", "554"),
    ("Saint Paul", "MN", "551"), ("Detroit", "MI", "482"), ("Ann Arbor", "MI", "481"), ("Philadelphia", "PA", "191"),
)  # fmt: skip
"""City, state and the first three digits of its zip codes."""

CARD_BRANDS = ("visa", "mastercard")
