"""Runs of letters and digits that were spelled, put together.

Some words are only a letter or a digit if their neighbours are: "for" between digits is a 4. Such
words are called doubtful here, and a run neither begins nor ends with one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from tau2.voice.speech.language import SpokenLanguage
from tau2.voice.speech.pieces import Kind, Piece, is_pause, is_sentence_end, merged

_MIXED = re.compile(r"(?=[A-Za-z]{0,40}\d)(?=\d{0,40}[A-Za-z])[A-Za-z0-9]{2,40}")
_HYPHENATED = re.compile(r"[A-Za-z0-9]{1,12}(?:-[A-Za-z0-9]{1,12}){1,20}")
_QUANTITY = re.compile(r"\d{1,12}([A-Za-z]{1,12})")
_SIZE = re.compile(r"\d{1,12}x\d{1,12}")
_PHONE = frozenset({(3, 4), (3, 3, 4), (1, 3, 3, 4)})
"""Digits of the groups of a telephone number."""
_ALSO_WORDS = frozenset({"a", "i", "o", "one", "oh"})
"""A letter or a digit, but most often a word."""
_LONGEST = 40  # atoms of one value
_SHORTEST_SPELLED = 3
_LONG_GROUP = 5  # digits that nobody counts to
_FEWEST_DIGITS = 4  # with pauses; a list of three numbers is no id
_LONGEST_LETTERS = 2  # that a recognizer writes in one of a hyphenated spelling
_LONGEST_CAPITALS = 3  # likewise, if as many digits follow: "HTR-208", but not "UTF-8"


class _Atom(NamedTuple):
    """One or several characters that were spelled, and the pieces they take."""

    text: str
    start: int
    end: int
    is_doubtful: bool = False
    is_similar: bool = False
    """A word that only sounds like a digit or letter: "for"."""
    is_explained: bool = False
    """"B as in Boston", "double 5": it was spelled for certain."""


def with_runs(pieces: Sequence[Piece], language: SpokenLanguage) -> list[Piece]:
    """Put together what was spelled: "W, 2 3 7" is "W237"."""
    atoms = [_atom(pieces, at, language) for at in range(len(pieces))]
    result: list[Piece] = []
    at = 0
    while at < len(pieces):
        run = _certain(_run(pieces, atoms, at, language), pieces, language)
        if not run or not _is_spelled(run, pieces, language):
            result.append(pieces[at])
            at += 1
            continue
        text = "".join(atom.text for atom in run)
        result.append(merged(pieces[at : run[-1].end], text, Kind.CODE))
        at = run[-1].end
    return result


def _run(
    pieces: Sequence[Piece], atoms: Sequence[_Atom | None], start: int, language: SpokenLanguage
) -> list[_Atom]:
    """Return the atoms from `start` on that nothing but pauses separates."""
    run: list[_Atom] = []
    at = start
    while at < len(pieces) and len(run) < _LONGEST:
        atom = atoms[at]
        if atom is None or (run and not is_pause(pieces[at - 1], pieces[at])):
            break
        if not run and atom.is_doubtful and not _may_begin(atom, pieces, language):
            break
        run.append(atom)
        at = atom.end
    return run


def _certain(atoms: list[_Atom], pieces: Sequence[Piece], language: SpokenLanguage) -> list[_Atom]:
    """Return a run without doubtful atoms at its ends, and cut at doubts within."""
    kept: list[_Atom] = []
    doubts: list[_Atom] = []
    for atom in atoms:
        begins_sentence = bool(kept) and is_sentence_end(pieces[atom.start - 1])
        if atom.is_doubtful:
            if begins_sentence:
                break
            doubts.append(atom)
        else:
            kept += [*doubts, atom]
            doubts = []
    # "one" and "oh" at the end of a row of digits belong to it.
    for atom in doubts:
        if not _ends_number(atom, kept, pieces, language):
            break
        kept.append(atom)
    return _before_another_number(kept, pieces)


def _before_another_number(atoms: list[_Atom], pieces: Sequence[Piece]) -> list[_Atom]:
    """Cut "Suite 672, 3 3 1 6 2" in two: a number in figures, and one that is spelled."""
    if not all(atom.text.isdigit() and not atom.is_explained for atom in atoms):
        return atoms
    for number, (left, right) in enumerate(pairwise(atoms), 1):
        if pieces[left.end - 1].after and (len(left.text) == 1) != (len(right.text) == 1):
            return atoms[:number]
    return atoms


def _may_begin(atom: _Atom, pieces: Sequence[Piece], language: SpokenLanguage) -> bool:
    """Return whether a value may begin with a doubtful atom: with a letter or "one".

    In "one by one: 1 2 3" it does not: who writes figures would have written "1".
    """
    if atom.text != "1":
        return atom.text in {"A", "I", "O"}
    before = pieces[atom.start - 1].word if atom.start else ""
    after = pieces[atom.end].word if atom.end < len(pieces) else ""
    is_digit = pieces[atom.start].word in language.digit_of
    return is_digit and not after.isdigit() and before not in language.before_one


def _ends_number(
    atom: _Atom, kept: Sequence[_Atom], pieces: Sequence[Piece], language: SpokenLanguage
) -> bool:
    """Return whether a doubtful atom at the end of a run belongs to it."""
    core = pieces[atom.start].core
    if _digits_and_letter(core):
        return any(_MIXED.fullmatch(one.text) for one in kept)
    if core.lower() not in _ALSO_WORDS:
        return False
    if _is_beside_sign([atom], pieces, language):
        return True
    if core.lower() in {"a", "i"}:
        is_after_letter = bool(kept) and kept[-1].text.isalpha()
        return core.isupper() and (core == "A" or is_after_letter)
    return len(kept) + 1 >= _SHORTEST_SPELLED


def _atom(pieces: Sequence[Piece], at: int, language: SpokenLanguage) -> _Atom | None:
    """Return the characters that are spelled at a piece; None for an ordinary word."""
    explained = _explained(pieces, at, language)
    if explained is not None:
        return explained
    word = pieces[at].word
    following = pieces[at + 1].word if at + 1 < len(pieces) else ""
    if word in language.repeats and following:
        repeated = _characters(pieces[at + 1], language) or ""
        times = language.repeats[word]
        return (
            _Atom(repeated * times, at, at + 2, is_explained=True) if len(repeated) == 1 else None
        )
    pair = f"{word} {following}"
    if pair in language.like_letters:
        return _Atom(language.like_letters[pair], at, at + 2)
    text = _characters(pieces[at], language)
    if text is None:
        return None
    is_plain = text.isdigit() and word not in language.like_digits
    is_plain = is_plain or len(word) == 1
    is_doubtful = word in _ALSO_WORDS or not (is_plain or _is_mixed(pieces[at].core, language))
    is_similar = word in language.like_digits or word in language.like_letters
    return _Atom(text, at, at + 1, is_doubtful, is_similar)


def _characters(piece: Piece, language: SpokenLanguage) -> str | None:
    word = piece.word
    if word.isascii() and word.isdigit():
        return word
    named = [language.digit_of.get(part, "") for part in word.split("-")]
    if all(named):
        return "".join(named)
    if len(word) == 1 and word.isalpha():
        return word.upper()
    if _is_mixed(piece.core, language):
        return word.replace("-", "").upper()
    similar = language.like_digits.get(word) or language.like_letters.get(word)
    return similar or _digits_and_letter(word) or None


def _is_mixed(core: str, language: SpokenLanguage) -> bool:
    """Return whether a word is spelled characters that the recognizer wrote as one."""
    word = core.lower()
    if _HYPHENATED.fullmatch(word):
        parts = core.split("-")
        if all(len(part) == 1 for part in parts):
            return len(parts) >= (_FEWEST_DIGITS if parts[0].isdigit() else _SHORTEST_SPELLED)
        digits = sum(c.isdigit() for c in word)
        longest = max((len(part) for part in parts if part.isalpha()), default=0)
        is_short = longest <= _LONGEST_LETTERS or (
            longest == _LONGEST_CAPITALS and core.isupper() and digits >= _LONGEST_CAPITALS
        )
        return is_short and digits > 0 and any(c.isalpha() for c in word)
    quantity = _QUANTITY.fullmatch(word)
    if quantity and quantity[1] in language.units:
        return False
    return bool(_MIXED.fullmatch(word)) and not _SIZE.fullmatch(word)


def _explained(pieces: Sequence[Piece], at: int, language: SpokenLanguage) -> _Atom | None:
    """Return the letter of "B as in Boston".

    The word decides: it was chosen because it is understood better than the letter.
    """
    following = pieces[at + 1].word if at + 1 < len(pieces) else ""
    if following not in language.first_of_as_in:
        return None
    for phrase in language.as_in:
        words = phrase.split()
        end = at + 1 + len(words)
        if end < len(pieces) and [piece.word for piece in pieces[at + 1 : end]] == words:
            letter = language.letter_of.get(pieces[end].word)
            said = _characters(pieces[at], language) or ""
            if letter is not None and (len(words) > 1 or letter == said):
                return _Atom(said[:-1] + letter, at, end + 1, is_explained=True)
            if len(words) > 1 and said and pieces[end].core[:1].upper() == said[-1]:
                return _Atom(said, at, end + 1, is_explained=True)
    return None


def _digits_and_letter(word: str) -> str:
    """Return "2m" in capital letters; elsewhere it is a length. "" for other words."""
    return word.upper() if word[:-1].isdigit() and word[-1].isalpha() else ""


def _is_spelled(run: Sequence[_Atom], pieces: Sequence[Piece], language: SpokenLanguage) -> bool:
    """Return whether a run is one value, rather than a letter or some numbers in a sentence."""
    text = "".join(atom.text for atom in run)
    if len(run) == 1:
        core = pieces[run[0].start].core
        return (
            run[0].is_explained
            or _is_mixed(core, language)
            or _is_beside_sign(run, pieces, language)
        )
    if any(atom.is_explained for atom in run) or _is_beside_sign(run, pieces, language):
        return True
    if text.isdigit():
        return _is_number(run, pieces)
    if pieces[run[0].start].word in _ALSO_WORDS:
        is_counted = text[1:].isdigit() and len(run) < _SHORTEST_SPELLED  # "a 250"
        return len(text) > _SHORTEST_SPELLED and not is_counted
    if text.isalpha():
        return len(text) >= _SHORTEST_SPELLED
    return len(text) >= _SHORTEST_SPELLED or run[0].text.isdigit()


def _is_number(run: Sequence[_Atom], pieces: Sequence[Piece]) -> bool:
    """Return whether digits are one number, such as an id or a telephone number."""
    lengths = tuple(len(atom.text) for atom in run)
    if lengths in _PHONE:
        return True
    has_homophone = any(atom.is_similar for atom in run)
    if has_homophone and lengths[0] == 1 and max(lengths) >= _LONG_GROUP:
        return True  # "7 to 85930" is 7285930; who counts says "7 to 9"
    has_pauses = any(pieces[atom.end - 1].after for atom in run[:-1])
    single = sum(len(atom.text) == 1 and not atom.is_similar for atom in run)
    return single >= (_FEWEST_DIGITS if has_pauses else _SHORTEST_SPELLED)


def _is_beside_sign(
    run: Sequence[_Atom], pieces: Sequence[Piece], language: SpokenLanguage
) -> bool:
    """Return whether "underscore" or another such sign is next to a run."""
    signs = language.connecting_words
    before = pieces[run[0].start - 1].word if run[0].start else ""
    after = pieces[run[-1].end].word if run[-1].end < len(pieces) else ""
    # "5 to 8 at best" is no address; "L, I, at example" is one.
    is_local = after == language.sign("@") and any(atom.text.isalpha() for atom in run)
    return before in signs or after in signs or is_local
