"""How the fields of a form are written: one form for each value, whatever it was submitted as."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date

from tau2.domains.intake.data_model import FieldName

_NAME = re.compile(r"[^\W\d_][^\W\d_'’-]*(?: [^\W\d_][^\W\d_'’-]*){1,3}")
_EMAIL = re.compile(r"[a-z0-9][a-z0-9._+-]{0,63}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4}")
_STREET = re.compile(r"\d{1,5}[A-Z]?(?: [A-Z][\w'.-]*){1,4}")
_CODE = re.compile(r"(?=[A-Z0-9]*\d)[A-Z0-9]{4,16}")
_ZIP = re.compile(r"\d{5}")
_AMOUNT = re.compile(r"\d{1,7}(?:\.\d{1,2})?")
_PHONE_DIGITS = 10
_WITH_COUNTRY = 11  # digits of a phone number that begins with the country code 1


def canonical(field: FieldName, value: str, today: str) -> str | None:
    """Return a value in the form in which the database keeps it, or None if it is no such value.

    Spaces, the case of letters and the punctuation of numbers do not matter. `today` is YYYY-MM-DD:
    nothing is bought after it.
    """
    text = " ".join(value.split())
    if field == "purchase_date":
        return _day(text, today)
    return _FORMS[field](text)


def _name(text: str) -> str | None:
    return text if _NAME.fullmatch(text) else None


def _email(text: str) -> str | None:
    mail = text.replace(" ", "").lower()
    return mail if _EMAIL.fullmatch(mail) else None


def _street(text: str) -> str | None:
    number, _, rest = text.replace(",", "").partition(" ")
    words = [word[:1].upper() + word[1:] for word in rest.split()]
    street = " ".join([number.upper(), *words])
    return street if _STREET.fullmatch(street) else None


def _code(text: str) -> str | None:
    code = re.sub(r"[ .-]", "", text).upper()
    return code if _CODE.fullmatch(code) else None


def _phone(text: str) -> str | None:
    digits = re.sub(r"[ ().+-]", "", text)
    if len(digits) == _WITH_COUNTRY:
        digits = digits.removeprefix("1")
    if not digits.isascii() or not digits.isdigit() or len(digits) != _PHONE_DIGITS:
        return None
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"


def _zip(text: str) -> str | None:
    digits = text.replace(" ", "")
    return digits if digits.isascii() and _ZIP.fullmatch(digits) else None


def _amount(text: str) -> str | None:
    number = re.sub(r"[$, ]", "", text)
    return f"{float(number):.2f}" if number.isascii() and _AMOUNT.fullmatch(number) else None


def _day(text: str, today: str) -> str | None:
    try:
        day = date.fromisoformat(text).isoformat()
    except ValueError:
        return None
    return day if day <= today else None


_FORMS: Mapping[FieldName, Callable[[str], str | None]] = {
    "name": _name,
    "email": _email,
    "street": _street,
    "customer_id": _code,
    "phone": _phone,
    "zip": _zip,
    "amount": _amount,
    "serial_number": _code,
    "license_plate": _code,
}

EXPECTED: Mapping[FieldName, str] = {
    "name": "first and last name",
    "email": "an e-mail address",
    "street": "house number and street",
    "customer_id": "letters and digits",
    "purchase_date": "a date as YYYY-MM-DD that is not after today",
    "phone": "ten digits",
    "zip": "five digits",
    "amount": "dollars and cents",
    "serial_number": "letters and digits",
    "license_plate": "letters and digits",
}
"""What a value of a field consists of, in words."""
