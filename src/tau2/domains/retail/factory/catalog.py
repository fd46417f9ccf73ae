"""The 50 product types of the shop: what can be chosen, how a customer would say it, and what it costs. All data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Axis:
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
    axes: tuple[Axis, ...]


def _axis(text: str) -> Axis:
    name, values, phrase, spread = (part.strip() for part in text.split(";"))
    return Axis(name, tuple(values.split(" | ")), phrase, float(spread))


def _product(name: str, base: float, *axes: str) -> ProductType:
    return ProductType(name, base, tuple(_axis(axis) for axis in axes))


PRODUCT_TYPES = (
    _product(
        "Rain Jacket", 84,
        "color; navy | olive | rust | black; in {}; 0",
        "size; S | M | L | XL; in size {}; 0.05",
        "hood; fixed | detachable; with a {} hood; 0.15",
    ),
    _product(
        "Camping Tent", 190,
        "capacity; 2-person | 3-person | 4-person | 6-person; in the {} size; 0.9",
        "season rating; 3-season | 4-season; with a {} rating; 0.4",
        "color; green | orange | sand; in {}; 0",
    ),
    _product(
        "Sleeping Bag", 110,
        "temperature rating; 40 F | 20 F | 0 F; rated for {}; 0.6",
        "length; regular | long; in the {} length; 0.1",
        "fill; synthetic | down; with {} fill; 0.5",
    ),
    _product(
        "Trekking Pole Set", 62,
        "material; aluminum | carbon; made of {}; 0.6",
        "grip; foam | cork | rubber; with {} grips; 0.1",
        "lock; twist | lever; with a {} lock; 0.15",
    ),
    _product(
        "Headlamp", 31,
        "brightness; 200 lumens | 400 lumens | 800 lumens; with {}; 0.7",
        "power; AAA batteries | rechargeable cells; running on {}; 0.3",
        "color; gray | red | lime; in {}; 0",
    ),
    _product(
        "Cooler Box", 95,
        "capacity; 20 quarts | 35 quarts | 50 quarts; holding {}; 0.8",
        "transport; handles only | wheels; with {}; 0.25",
        "color; white | teal | tan; in {}; 0",
    ),
    _product(
        "Hammock", 48,
        "size; single | double; in the {} size; 0.35",
        "color; striped blue | forest green | burgundy | cream; in {}; 0",
        "mounting; straps | steel stand; with {}; 0.8",
    ),
    _product(
        "Cast Iron Skillet", 39,
        "diameter; 8 inch | 10 inch | 12 inch; in the {} size; 0.6",
        "finish; seasoned | enameled; with the {} finish; 0.5",
        "handle; single | double; with a {} handle; 0.1",
    ),
    _product(
        "Kitchen Knife", 68,
        "blade; 6 inch | 8 inch | 10 inch; with the {} blade; 0.3",
        "steel; German | Japanese; in {} steel; 0.5",
        "handle; walnut | pakkawood | resin; with a {} handle; 0.1",
    ),
    _product(
        "Stand Mixer", 240,
        "bowl; 4 quart | 5 quart | 6 quart; with the {} bowl; 0.5",
        "color; cherry red | pistachio | ivory | graphite; in {}; 0",
        "attachments; basic | full; with the {} attachment set; 0.25",
    ),
    _product(
        "Blender", 89,
        "jar; 1.2 liter | 1.8 liter; with the {} jar; 0.2",
        "power; 600 watt | 900 watt | 1400 watt; with the {} motor; 0.7",
        "color; black | silver | mint; in {}; 0",
    ),
    _product(
        "Rice Cooker", 72,
        "capacity; 3 cup | 6 cup | 10 cup; in the {} size; 0.5",
        "heating; plate | induction; with {} heating; 0.9",
        "color; white | charcoal; in {}; 0",
    ),
    _product(
        "Toaster", 44,
        "slots; two | four; with {} slots; 0.5",
        "color; cream | black | brushed steel | powder blue; in {}; 0",
        "controls; dial | digital; with {} controls; 0.3",
    ),
    _product(
        "Food Container Set", 29,
        "pieces; 6 | 10 | 18; with {} pieces; 0.8",
        "material; plastic | glass; made of {}; 0.6",
        "lid color; gray | green | coral; with {} lids; 0",
    ),
    _product(
        "Pressure Cooker", 104,
        "capacity; 3 quart | 6 quart | 8 quart; in the {} size; 0.5",
        "programs; 7 | 12; with {} programs; 0.3",
        "color; black | stainless | red; in {}; 0",
    ),
    _product(
        "Cutting Board", 34,
        "material; bamboo | maple | walnut; made of {}; 0.9",
        "size; small | medium | large; in {}; 0.7",
        "surface; flat | juice groove; with the {} surface; 0.1",
    ),
    _product(
        "Dinnerware Set", 92,
        "pieces; 12 | 16 | 24; with {} pieces; 0.8",
        "color; white | speckled gray | ocean blue; in {}; 0",
        "material; stoneware | porcelain; made of {}; 0.2",
    ),
    _product(
        "Sheet Set", 58,
        "size; twin | full | queen | king; in {} size; 0.6",
        "fabric; percale | sateen | linen; in {}; 0.9",
        "color; white | sage | dusty pink | slate; in {}; 0",
    ),
    _product(
        "Weighted Blanket", 74,
        "weight; 10 lb | 15 lb | 20 lb; weighing {}; 0.4",
        "cover; cotton | fleece | bamboo; with a {} cover; 0.2",
        "color; navy | oatmeal | plum; in {}; 0",
    ),
    _product(
        "Pillow", 36,
        "fill; polyester | memory foam | down; with {} fill; 0.9",
        "size; standard | queen | king; in {} size; 0.3",
        "firmness; soft | medium | firm; in the {} firmness; 0",
    ),
    _product(
        "Bath Towel Set", 42,
        "pieces; 3 | 6 | 8; with {} pieces; 0.8",
        "color; white | aqua | terracotta | charcoal; in {}; 0",
        "cotton; Turkish | Egyptian; in {} cotton; 0.3",
    ),
    _product(
        "Curtain Panel", 38,
        "length; 63 inch | 84 inch | 96 inch; in the {} length; 0.3",
        "lining; sheer | room darkening | blackout; in the {} kind; 0.5",
        "color; ivory | navy | moss | silver; in {}; 0",
    ),
    _product(
        "Area Rug", 145,
        "size; 3x5 ft | 5x7 ft | 8x10 ft; measuring {}; 1.4",
        "pile; low | shag; with {} pile; 0.2",
        "pattern; geometric | floral | plain; with a {} pattern; 0",
    ),
    _product(
        "Floor Lamp", 98,
        "shape; arc | tripod | torchiere; in the {} shape; 0.3",
        "color; brass | black | white; in {}; 0",
        "control; foot switch | touch panel | remote; with a {}; 0.25",
    ),
    _product(
        "Picture Frame", 24,
        "size; 5x7 | 8x10 | 11x14 | 16x20; in size {}; 0.9",
        "material; oak | walnut | metal; made of {}; 0.2",
        "mat; without mat | with mat; {}; 0.2",
    ),
    _product(
        "Humidifier", 57,
        "tank; 2 liter | 4 liter | 6 liter; with the {} tank; 0.5",
        "mist; cool | warm and cool; with {} mist; 0.3",
        "color; white | gray | sky blue; in {}; 0",
    ),
    _product(
        "Space Heater", 66,
        "type; ceramic | infrared | oil-filled; of the {} type; 0.6",
        "thermostat; manual | digital; with a {} thermostat; 0.25",
        "color; black | white; in {}; 0",
    ),
    _product(
        "Tower Fan", 71,
        "height; 32 inch | 40 inch | 48 inch; in the {} height; 0.4",
        "control; buttons | remote | app; controlled by {}; 0.3",
        "color; black | white | silver; in {}; 0",
    ),
    _product(
        "Lawn Sprinkler", 33,
        "pattern; oscillating | rotary | pulsating; of the {} kind; 0.3",
        "base; spike | sled | wheeled; with the {} base; 0.25",
        "material; plastic | zinc | brass; made of {}; 0.6",
    ),
    _product(
        "Pruning Saw", 27,
        "blade; 7 inch | 10 inch | 13 inch; with the {} blade; 0.4",
        "form; fixed | folding; in the {} form; 0.2",
        "handle color; orange | red | green; with the {} handle; 0",
    ),
    _product(
        "Planter Box", 54,
        "length; 24 inch | 36 inch | 48 inch; in the {} length; 0.6",
        "material; cedar | metal | recycled plastic; made of {}; 0.3",
        "legs; without legs | with legs; {}; 0.3",
    ),
    _product(
        "Bird Feeder", 28,
        "type; tube | hopper | platform; of the {} type; 0.3",
        "material; recycled plastic | cedar | copper; made of {}; 0.7",
        "capacity; 2 lb | 5 lb; holding {}; 0.3",
    ),
    _product(
        "Acoustic Guitar", 260,
        "body; parlor | concert | dreadnought; with a {} body; 0.2",
        "top; spruce | cedar | mahogany; with a {} top; 0.3",
        "finish; natural | sunburst | black; in {} finish; 0",
    ),
    _product(
        "Digital Piano", 420,
        "keys; 61 | 73 | 88; with {} keys; 0.6",
        "color; black | white | rosewood; in {}; 0",
        "stand; folding stand | furniture stand; with a {}; 0.3",
    ),
    _product(
        "Ukulele", 64,
        "size; soprano | concert | tenor | baritone; in the {} size; 0.6",
        "wood; mahogany | koa | bamboo; made of {}; 0.5",
        "strings; nylon | fluorocarbon; with {} strings; 0.1",
    ),
    _product(
        "Turntable", 175,
        "drive; belt | direct; with {} drive; 0.6",
        "output; phono | Bluetooth | USB; with {} output; 0.3",
        "color; walnut | black | white; in {}; 0",
    ),
    _product(
        "Chess Set", 52,
        "pieces; plastic | boxwood | ebony; with {} pieces; 1.1",
        "board; 12 inch | 16 inch | 20 inch; with the {} board; 0.5",
        "storage; bag | wooden box; with a {}; 0.3",
    ),
    _product(
        "Paint Set", 37,
        "medium; watercolor | acrylic | oil | gouache; in {}; 0.4",
        "colors; 12 | 24 | 36; with {} colors; 0.8",
        "case; cardboard box | wooden case; in a {}; 0.4",
    ),
    _product(
        "Sewing Machine", 195,
        "stitches; 23 | 60 | 165; with {} stitches; 0.9",
        "kind; mechanical | computerized; of the {} kind; 0.4",
        "color; white | lilac | mint; in {}; 0",
    ),
    _product(
        "Yarn Bundle", 26,
        "fiber; acrylic | cotton | merino | alpaca; in {}; 0.9",
        "weight; fingering | worsted | bulky; in {} weight; 0.1",
        "color; mustard | teal | heather gray | crimson; in {}; 0",
    ),
    _product(
        "Balance Bike", 88,
        "wheels; 10 inch | 12 inch | 14 inch; with {} wheels; 0.3",
        "frame; wood | steel | aluminum; with a frame of {}; 0.5",
        "color; red | yellow | turquoise; in {}; 0",
    ),
    _product(
        "Child Car Seat", 165,
        "stage; infant | convertible | booster; for the {} stage; 0.3",
        "attachment; seat belt | rigid anchors; attached by {}; 0.2",
        "color; black | gray | berry; in {}; 0",
    ),
    _product(
        "Wool Sock Pack", 23,
        "size; S | M | L; in size {}; 0.05",
        "height; ankle | crew | knee; in {} height; 0.3",
        "color; oatmeal | charcoal | forest | rust; in {}; 0",
    ),
    _product(
        "Leather Belt", 41,
        "size; 32 | 34 | 36 | 38; in size {}; 0.05",
        "color; black | cognac | dark brown; in {}; 0",
        "buckle; silver | brass | gunmetal; with a {} buckle; 0.1",
    ),
    _product(
        "Linen Shirt", 59,
        "size; S | M | L | XL; in size {}; 0.05",
        "color; white | sky blue | sand | olive; in {}; 0",
        "collar; button-down | band; with a {} collar; 0.1",
    ),
    _product(
        "Denim Jacket", 82,
        "size; S | M | L | XL; in size {}; 0.05",
        "wash; light | medium | dark; in the {} wash; 0.05",
        "lining; unlined | sherpa; in the {} version; 0.4",
    ),
    _product(
        "Crossbody Bag", 67,
        "color; tan | black | bordeaux | sage; in {}; 0",
        "material; canvas | vegan leather | leather; made of {}; 0.9",
        "size; mini | medium; in the {} size; 0.3",
    ),
    _product(
        "Standing Desk", 310,
        "width; 48 inch | 55 inch | 63 inch; in the {} width; 0.3",
        "top; white | oak | walnut; with the {} top; 0.15",
        "motor; single | dual; with a {} motor; 0.3",
    ),
    _product(
        "External Drive", 79,
        "capacity; 1 TB | 2 TB | 4 TB; with {}; 0.9",
        "technology; HDD | SSD; with {} technology; 0.8",
        "color; black | silver | blue; in {}; 0",
    ),
    _product(
        "Kettlebell", 32,
        "weight; 10 lb | 20 lb | 35 lb | 50 lb; weighing {}; 1.4",
        "coating; bare iron | vinyl | neoprene; with the {} coating; 0.2",
        "handle; standard | wide; with a {} handle; 0.05",
    ),
)  # fmt: skip
