"""Reading the command line: helpful help, and errors on one line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from tau2.errors import ConfigError, UnknownName
from tau2.utils.output import show


class CommandParser(argparse.ArgumentParser):
    """A parser that raises ConfigError, so that every error of the CLI looks the same."""

    def __init__(self, *, prog: str, description: str) -> None:
        """Describe one command."""
        super().__init__(
            prog=prog,
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            argument_default=argparse.SUPPRESS,
        )
        self._refused: tuple[tuple[str, ...], str] = ((), "")

    def add_switch(self, name: str, help: str) -> None:  # noqa: A002  -- as argparse calls it
        """Add an option without a value, False unless it is given."""
        self.add_argument(name, action="store_true", default=False, help=help)

    def refuse(self, prefixes: tuple[str, ...], reason: str) -> None:
        """Refuse options that begin with one of these prefixes, with this reason."""
        self._refused = (prefixes, reason)

    def check_refused(self, option: str) -> None:
        """Raise ConfigError when an option is refused."""
        prefixes, reason = self._refused
        if option.startswith(prefixes):
            raise ConfigError(f"{option}: {reason}")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help; argparse itself writes to the stream."""
        show(message, end="")

    def error(self, message: str) -> NoReturn:
        """Raise ConfigError with the message and where to read more."""
        raise ConfigError(f"{message}\nsee `{self.prog} --help`")

    def option_strings(self) -> list[str]:
        """Return every option the command knows."""
        return [option for action in self._actions for option in action.option_strings]


def parse(parser: CommandParser, arguments: Sequence[str]) -> argparse.Namespace:
    """Return the parsed arguments. Raise ConfigError, or UnknownName with the nearest option."""
    options, unknown = parser.parse_known_args(arguments)
    for text in unknown:
        if text.startswith("-") and text != "-":
            parser.check_refused(text)
            raise UnknownName(
                f"option of `{parser.prog}`", text.partition("=")[0], parser.option_strings()
            )
    if unknown:
        parser.error(f"unexpected argument {unknown[0]!r}")
    return options


def escaped(text: str) -> str:
    """Return help text in which argparse sees no format specifiers."""
    return text.replace("%", "%%")
