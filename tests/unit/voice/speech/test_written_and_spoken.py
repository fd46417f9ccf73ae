"""Ids, addresses, amounts and dates survive being said and being recognized.

`recognized_as` is a recognizer of words without errors that writes them as real ones do: digits in
figures or in words, letters joined by hyphens or apart, with commas where there were pauses.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest

from tau2.errors import UnknownName
from tau2.voice.speech.heard import heard, masked, masks_in
from tau2.voice.speech.language import spoken_language, spoken_languages
from tau2.voice.speech.spoken import Spelling, spelled, spoken
from tau2.voice.speech.values import contains_value

NAMES = ("anna", "umar", "blackwood", "yilmaz", "li", "matilda", "ivan", "sofia", "okafor", "tom")
SENTENCES = (
    "My number is {}.",
    "Please look at {}, it has not arrived.",
    "It should be {}",
    "Yes, that's {}. Can you help me?",
    "I have {} and I want to change it.",
)
EN = spoken_language("en")


def order(draw: random.Random) -> str:
    return f"#W{draw.randrange(10**7):07}"


def user(draw: random.Random) -> str:
    return f"{draw.choice(NAMES)}_{draw.choice(NAMES)}_{draw.randrange(10**4):04}"


def method(draw: random.Random) -> str:
    return f"{draw.choice(['credit_card', 'gift_card'])}_{draw.randrange(10**7):07}"


def email(draw: random.Random) -> str:
    local = draw.choice(["{}.{}{}", "{}_{}{}", "{}{}{}", "{}-{}{}"])
    number = draw.choice(["", str(draw.randrange(10, 100)), str(draw.randrange(1000, 10000))])
    host = draw.choice(["example.com", "example.net", "mail.example.org"])
    return local.format(draw.choice(NAMES), draw.choice(NAMES), number) + f"@{host}"


def reservation(draw: random.Random) -> str:
    """A code with letters and digits. Without O and I, which sound like 0 and are a word."""
    while True:
        code = "".join(draw.choices("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", k=6))
        if re.search(r"\d", code) and re.search(r"[A-Z]", code) and not code.startswith("A"):
            return code


def item(draw: random.Random) -> str:
    return str(draw.randrange(10**9, 10**10))


def zip_code(draw: random.Random) -> str:
    return f"{draw.randrange(10**5):05}"


def amount(draw: random.Random) -> str:
    dollars = draw.choice([draw.randrange(100), draw.randrange(10000)])
    return (
        f"${dollars}" if dollars and draw.random() < 0.3 else f"${dollars}.{draw.randrange(100):02}"
    )


def date(draw: random.Random) -> str:
    return f"{draw.randrange(1930, 2040)}-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}"


def phone(draw: random.Random) -> str:
    return f"555-{draw.randrange(1000):03}-{draw.randrange(10000):04}"


KINDS = (order, user, method, email, reservation, item, zip_code, amount, date, phone)
MASKS = {order: ["#W9999999"], phone: ["999-999-9999"]}


def number_in_words(text: str) -> str:
    """Return a number below a million in words."""
    number = int(text.replace(",", ""))
    if number >= 1000:
        rest = number % 1000
        return f"{number_in_words(str(number // 1000))} thousand" + (
            f" {number_in_words(str(rest))}" if rest else ""
        )
    if number >= 100:
        rest = number % 100
        return f"{EN.digits[number // 100][0]} hundred" + (
            f" and {number_in_words(str(rest))}" if rest else ""
        )
    if number >= 20:
        return EN.tens[number // 10 - 2] + (f" {EN.digits[number % 10][0]}" if number % 10 else "")
    return EN.teens[number - 10] if number >= 10 else EN.digits[number][0]


def in_figures(said: str) -> str:
    """Digits joined: "W, 9164527"."""
    return re.sub(r"(?<=\d) (?=\d\b)", "", said)


def in_words(said: str) -> str:
    """Every number in words, without commas between them."""
    return re.sub(r"\d[\d,]*\b", lambda found: number_in_words(found.group()), said)


def with_commas(said: str) -> str:
    """Every digit in words, with a comma behind it."""
    return re.sub(r"\b\d\b(?! dollar| cent|,)", lambda f: f"{EN.digits[int(f.group())][0]},", said)


def hyphenated(said: str) -> str:
    """Letters and digits of a code joined by hyphens: "W-2-3"."""
    return re.sub(r"(?<=(?<![\w'])\w),? (?=\w\b)", "-", said)


def in_lower_case(said: str) -> str:
    months = "|".join(EN.months)
    return re.sub(rf"\b(?!(?:{months})\b)\w+", lambda found: found.group().lower(), said)


def as_said(said: str) -> str:
    return said


WRITERS = (as_said, in_figures, with_commas, hyphenated, in_lower_case)


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_that_is_said_is_heard_exactly(kind: Callable[[random.Random], str]) -> None:
    draw = random.Random(0)
    for number in range(200):
        value = kind(draw)
        said = spoken(SENTENCES[number % len(SENTENCES)].format(value))
        understood = heard(said, masks=MASKS.get(kind, ()))
        assert value in understood, (value, said, understood)


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_value_is_heard_however_the_recognizer_writes(
    kind: Callable[[random.Random], str], writer: Callable[[str], str]
) -> None:
    if (kind, writer) in {(amount, with_commas), (date, with_commas), (date, hyphenated)}:
        pytest.skip("nobody writes a number below 100 that way")
    draw = random.Random(1)
    for number in range(60):
        value = kind(draw)
        said = writer(spoken(SENTENCES[number % len(SENTENCES)].format(value)))
        understood = heard(said, masks=MASKS.get(kind, ()))
        assert contains_value(understood, value), (value, said, understood)


@pytest.mark.parametrize("kind", [amount, date])
def test_amounts_and_dates_are_heard_in_words(kind: Callable[[random.Random], str]) -> None:
    draw = random.Random(2)
    for _ in range(200):
        value = kind(draw)
        understood = heard(in_words(spoken(f"It was {value} then.")))
        assert value in understood, (value, understood)


@pytest.mark.parametrize("alphabet", [False, True])
def test_a_spelled_name_is_heard(alphabet: bool) -> None:
    for name in ("Anna Okafor", "Li", "Blackwood", "Sofia", "Harrowgate", "Xavier Quincy-Zed"):
        understood = heard(f"My name is {spelled(name, alphabet=alphabet)}.")
        assert contains_value(understood, name), understood


@pytest.mark.parametrize("spelling", [Spelling.LETTERS, Spelling.ALPHABET])
def test_spelled_ids_and_addresses_are_heard(spelling: Spelling) -> None:
    draw = random.Random(3)
    for kind in (user, email, reservation, order):
        for _ in range(50):
            value = kind(draw)
            said = spoken(f"That is {value}, thank you.", spelling=spelling)
            assert contains_value(heard(said), value), (value, said, heard(said))


def test_the_word_decides_which_letter_was_spelled() -> None:
    assert heard("It's D as in Boston, 4, P as in Victor, 7.") == "It's B4V7."
    assert heard("S like Sam, 1 2") == "S12"
    assert heard("N for Nora, 1 2") == "N12"
    assert heard("It is double 5, triple 0, 7.") == "It is 550007."


def test_homophones_are_digits_only_between_digits() -> None:
    assert heard("Order W 2 for 7 to 1.") == "Order W24721."
    assert heard("One by one: 1 9 8 9 8.") == "One by one: 19898."
    assert heard("Again, one by one, one nine eight nine eight.") == "Again, one by one, 19898."
    assert heard("It is one nine eight nine one.") == "It is 19891."
    assert heard("I paid for two of them, for me and for you.") == (
        "I paid for two of them, for me and for you."
    )


@pytest.mark.parametrize(
    "text",
    [
        "I need a 4 pack, and I have 2 items for 3 days.",
        "Steps 1, 2, and 3 are done. Oh, I see.",
        "Could you be there at 7pm on the 2nd? See you at the store.",
        "One of them is fine, no one asked for one.",
        "I bought a 32GB stick, a 5x7 frame and a 12-month plan.",
        "You may try it once or twice. A B test. Is that OK?",
        "It is 2m long, 5g heavy, and UTF-8, COVID-19 or the X-ray are no ids.",
        "Suite 672, Miami, FL 33162, USA",
        "I am at example street, dot the line.",
        "My e-mail is anna.li@example.com and the order is #W9164527.",
    ],
)
def test_ordinary_sentences_remain_as_they_are(text: str) -> None:
    assert heard(text) == text
    assert heard(spoken(text), masks=["#W9999999"]) == text


def test_recognized_sentences_are_understood() -> None:
    """As moonshine wrote them."""
    assert heard("My user is Sophia, underscore Lee underscore nine, two, one, nine.") == (
        "My user is sophia_lee_9219."
    )
    assert heard("The number is 8-A-Y-N-1-B. Thank you.") == "The number is 8AYN1B. Thank you."
    assert heard("The number is w-o-o-3-sb thank you.") == "The number is WOO3SB thank you."
    assert heard("The number is W. 4279348. Thank you.", masks=["#W9999999"]) == (
        "The number is #W4279348. Thank you."
    )
    assert heard("It's tobias dot ueda 55 at example dot work.") == (
        "It's tobias.ueda55@example.org."
    )
    assert heard("U, L, R, I, K, a, space, L, I.") == "ULRIKA LI."
    assert heard("It is 7 to 85930, 164.") == "It is 7285930164."
    assert heard("It takes 7 to 10 days, 5 to 8 at best.") == (
        "It takes 7 to 10 days, 5 to 8 at best."
    )
    assert heard("It is H, T as in Tom, R, two-zero-eight.") == "It is HTR208."
    assert heard("It is K7RW, 2m to a later flight.") == "It is K7RW2M to a later flight."
    assert heard("My flight is HTR-208, in seat B, 2m wide.") == (
        "My flight is HTR208, in seat B, 2m wide."
    )
    assert heard("The number is 70259. Oh, thank you.") == "The number is 70259. Oh, thank you."
    assert heard("My zip code is seven, eight, two, one, two. It cost $43 and 19 cents.") == (
        "My zip code is 78212. It cost $43.19."
    )


def test_known_values_are_written_as_they_are_known_and_others_are_not_invented() -> None:
    known = ["#W9164527", "anna_li_42", "AB-12"]
    assert heard("It is W 9164527 or W 9164528.", known=known) == "It is #W9164527 or W9164528."
    assert heard("I am Anna Li 42.", known=known) == "I am anna_li_42."
    draw = random.Random(4)
    for _ in range(100):
        text = f"I said {draw.choice(NAMES)} and {reservation(draw)} and {zip_code(draw)}."
        assert not any(value in heard(spoken(text), known=known) for value in known)


def test_a_mask_says_how_characters_are_written() -> None:
    assert heard("flight H A T 1 7 0", masks=["AAA999"]) == "flight HAT170"
    assert heard("flight hat 170", masks=["AAA999"]) == "flight HAT170"
    assert heard("call 5 5 5 1 2 3 2 0 0 2", masks=["999-999-9999"]) == "call 555-123-2002"
    assert heard("customer c 1 0 0 1", masks=["C9999"]) == "customer C1001"
    assert heard("code a 9 b 1", masks=[r"\A9*9"]) == "code A9B1"


def test_signs_that_nobody_says_are_known_from_descriptions() -> None:
    masks = masks_in('order_id: The order number with its leading "#W". See #general, #AB and #W.')
    assert masked("Order W9164527 and w, 12, or AB1234567.", masks) == (
        "Order #W9164527 and w, 12, or #AB1234567."
    )
    assert masked("Order W9164527", masks_in("no sign")) == "Order W9164527"


def test_markdown_is_not_read_out() -> None:
    assert spoken("**Blue** shirt:\n\n* item `1725`\n* [page](http://x.example/y)\n# End") == (
        "Blue shirt: item 1 7 2 5. page. End."
    )
    assert spoken("Done 🙂 & 50% off") == "Done and 50 percent off"
    assert spoken("") == ""


def test_long_texts_are_left_alone() -> None:
    assert heard("1 2 3 4 " * 5000) == "1 2 3 4 " * 5000


def test_there_is_english_and_an_unknown_language_is_refused() -> None:
    assert "en" in spoken_languages()
    with pytest.raises(UnknownName, match="no spoken language named 'xx'"):
        heard("1 2 3", language="xx")
