"""Tables for invented customers: names, streets and cities. All of it is data."""

from __future__ import annotations

_FIRST = """
Abena Adela Agnes Akira Alba Aldo Alina Amara Ambrose Anders Anouk Ansel Antonia Arjun Astrid August Aurelio
Beatrix Benedict Birgit Bodhi Brigid Callum Camille Caspian Celeste Cyrus Dalia Damaris Darius Delphine Desmond
Dimitri Dorothea Edith Eero Elio Eloise Emeka Enid Esther Ezra Fabian Farah Felix Fern Freya Gideon Giulia Greta
Hamid Hana Hector Hester Hugo Ida Idris Imogen Ines Ingrid Isidora Ismael Jada Jasper Joaquin Jorun Josefa Jude
Kaito Kalina Keiko Kenji Kofi Lars Leonie Levi Linnea Lorenzo Lucia Magnus Malik Marguerite Marisol Matilda
Mattias Milena Miriam Nadia Nikolai Nils Noemi Odette Oleg Opal Oskar Otis Petra Philippa Quentin Rafael Ramona
Renata Rhea Roland Rosalind Ruben Salma Samir Saskia Selma Silas Simone Soren Stellan Tabitha Tamsin Thea Tobias
Ulrika Umar Vera Vikram Wanda Wilhelm Xenia Yolanda Zainab Zelda Zoltan
"""

_LAST = """
Abara Achterberg Adeyemi Alderton Almqvist Amundsen Andrade Appleyard Arbuckle Ashdown Azevedo Balogun Barrowman
Bellweather Benkirane Bergstrom Birdsong Blackwood Bouchard Brandvold Brightwater Calloway Campanella Carrasco
Castellano Chaudhry Coldwell Corbin Cranford Csorba Dahlberg Danso Delacroix Demirci Dimopoulos Dlamini
Dombrowski Duquette Eastwick Ekberg Ellingsen Escobedo Fairbairn Falkenrath Farrokhzad Feldstein Fernsby
Figueroa Fontaine Fujimoto Gallardo Gantry Gbeho Giordano Goldfarb Grimaldi Gustavsen Haddad Halvorsen
Harrowgate Hashimoto Hawthorne Holmgren Hurtado Ibarra Iwasaki Jablonski Jamison Jorgensen Kabore Kaminski
Kaplinsky Karvonen Kavanagh Kenyatta Kirchner Kobayashi Kowalczyk Lacroix Lagerfeld Lindqvist Lockhart Lombardi
Loxley Macalister Mahlangu Makarova Marchetti Marlowe Mbeki Meadowcroft Mendonca Merriweather Mikkelsen Montague
Morikawa Moustafa Nakagawa Narayan Neville Nordstrom Novotny Nwosu Obrecht Okafor Okonjo Olander Ormerod
Osterman Pacheco Palmquist Papadakis Pemberton Petrosyan Pickering Quaye Quintero Radcliffe Rasmussen Reinholt
Ridgewell Rosenthal Rutherford Saavedra Sandoval Sarkisian Schreiber Selassie Shirazi Sinclair Skovgaard
Soderberg Sokolova Stavros Stoddard Summerfield Takahashi Tavares Thistlewood Thorvald Tillman Toivonen
Treadwell Ueda Underhill Vanderbeek Vasquez Venkataraman Villanueva Vukovic Wainwright Wakefield Weatherby
Westergaard Whitlock Winterbourne Yamamoto Yilmaz Zapata Zielinski
"""

_STREET = """
Alder Amber Anchor Applegate Ashby Barley Basswood Bayberry Beacon Birchwood Bluebell Bramble Briar Canal
Cardinal Carriage Clover Cobblestone Copper Cottonwood Cypress Dogwood Dover Eagle Elderberry Fairview Falcon
Fieldstone Foxglove Garnet Glenwood Granite Greenbriar Hadley Harbor Hawthorn Hazel Heather Heron Hickory
Huckleberry Indigo Ironwood Jasmine Juniper Kestrel Lantern Larkspur Lavender Linden Lupine Magnolia Marigold
Meadowlark Mill Mulberry Nightingale Northgate Orchard Oriole Osprey Partridge Pebble Periwinkle Pheasant Plover
Quail Quarry Redwood Rosewood Saffron Sagebrush Sandpiper Sorrel Spruce Starling Sycamore Tamarack Teal Thistle
Thornbury Trellis Tulip Vineyard Walnut Warbler Wheatfield Wicklow Windmill Wisteria Wren Yarrow
"""

FIRST_NAMES = tuple(_FIRST.split())
LAST_NAMES = tuple(_LAST.split())
"""None of them is a family name of the public data set, so that no user id can be one of its ids."""
STREETS = tuple(_STREET.split())
STREET_KINDS = ("Street", "Lane", "Avenue", "Road", "Court", "Way", "Drive", "Terrace")

_CITY = """
Albany, NY 122
Albuquerque, NM 871
Anchorage, AK 995
Asheville, NC 288
Atlanta, GA 303
Baltimore, MD 212
Baton Rouge, LA 708
Billings, MT 591
Birmingham, AL 352
Boise, ID 837
Boston, MA 021
Buffalo, NY 142
Burlington, VT 054
Charleston, SC 294
Cheyenne, WY 820
Cincinnati, OH 452
Cleveland, OH 441
Colorado Springs, CO 809
Des Moines, IA 503
Detroit, MI 482
Duluth, MN 558
El Paso, TX 799
Eugene, OR 974
Fargo, ND 581
Fresno, CA 937
Grand Rapids, MI 495
Hartford, CT 061
Honolulu, HI 968
Kansas City, MO 641
Knoxville, TN 379
Las Vegas, NV 891
Lincoln, NE 685
Little Rock, AR 722
Louisville, KY 402
Madison, WI 537
Manchester, NH 031
Memphis, TN 381
Miami, FL 331
Milwaukee, WI 532
Minneapolis, MN 554
Mobile, AL 366
New Orleans, LA 701
Norfolk, VA 235
Oakland, CA 946
Omaha, NE 681
Orlando, FL 328
Pittsburgh, PA 152
Portland, ME 041
Portland, OR 972
Providence, RI 029
Raleigh, NC 276
Reno, NV 895
Richmond, VA 232
Rochester, NY 146
Sacramento, CA 958
Salt Lake City, UT 841
Savannah, GA 314
Sioux Falls, SD 571
Spokane, WA 992
St. Louis, MO 631
Tacoma, WA 984
Tampa, FL 336
Toledo, OH 436
Tucson, AZ 857
Tulsa, OK 741
Wichita, KS 672
Wilmington, DE 198
Yonkers, NY 107
"""


def _city(line: str) -> tuple[str, str, str]:
    name, _, rest = line.partition(", ")
    state, zip_start = rest.split()
    return name, state, zip_start


CITIES = tuple(_city(line) for line in _CITY.split("\n") if line)
"""City, state, and the first three digits of its zip codes."""

CARD_BRANDS = ("visa", "mastercard", "amex", "discover")
MAIL_HOSTS = ("example.com", "example.org", "example.net")
