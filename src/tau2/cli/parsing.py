"""Reading the command line: helpful help, and errors on one line."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from typing import Any, NoReturn

from tau2.cli.help_text import fitted
from tau2.errors import ConfigError, UnknownName
from tau2.utils.output import show

_MISSING = "the following arguments are required: "  # as argparse says it


def shown_names(action: argparse.Action) -> list[str]:
    """Return how help calls an option: by its short name and one long one.

    Of several long names the last is the one in use; the others are accepted.
    """
    if isinstance(action, argparse.BooleanOptionalAction):
        return [f"--[no-]{action.option_strings[0].removeprefix('--')}"]
    long = [name for name in action.option_strings if name.startswith("--")]
    return [name for name in action.option_strings if name not in long] + long[-1:]


def _usage_line(line: str, width: int, below: str) -> str:
    if len(line) <= width:
        return line
    return textwrap.fill(line, width, subsequent_indent=below, break_on_hyphens=False)


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Lists every option by one name, and fits texts into the terminal."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return textwrap.indent(fitted(text, width - len(indent)), indent)

    def _format_usage(self, *arguments: Any) -> str:
        # argparse wraps no usage that is written out.
        below = " " * len("usage: tau2 ")
        lines = super()._format_usage(*arguments).splitlines()
        return "\n".join(_usage_line(line, self._width, below) for line in lines) + "\n"

    def _split_lines(self, text: str, width: int) -> list[str]:
        # Names such as docs/your-agent.md are not broken at their hyphens.
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings:
            return super()._format_action_invocation(action)
        names = ", ".join(shown_names(action))
        if action.nargs == 0:
            return names
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{names} {value}"


class CommandParser(argparse.ArgumentParser):
    """A parser that raises ConfigError, so that every error of the CLI looks the same."""

    def __init__(self, *, prog: str, description: str) -> None:
        """Describe one command."""
        super().__init__(
            prog=prog,
            description=description,
            formatter_class=HelpFormatter,
            allow_abbrev=False,
            argument_default=argparse.SUPPRESS,
        )
        self._refused: tuple[tuple[str, ...], str] = ((), "")
        self._shown_with: dict[str, str | None] = {}
        self.given: Sequence[str] = ()
        """The arguments that are read."""

    def add_switch(self, name: str, help: str) -> None:  # noqa: A002  -- as argparse calls it
        """Add an option without a value, False unless it is given."""
        self.add_argument(name, action="store_true", default=False, help=help)

    def group(self, title: str) -> argparse._ArgumentGroup:
        """Return the group of options with a title; a new one if there is none yet."""
        groups = (group for group in self._action_groups if group.title == title)
        return next(groups, None) or self.add_argument_group(title)

    def hide(self, title: str, unless: str | None = None) -> None:
        """Leave a group out of the help, unless an option is given with `--help`.

        Its options are accepted all the same.
        """
        self._shown_with[title] = unless

    def format_help(self) -> str:
        """Return the help, without the groups that are hidden."""
        hidden = {title for title, option in self._shown_with.items() if option not in self.given}
        every = self._action_groups
        self._action_groups = [group for group in every if group.title not in hidden]
        try:
            return super().format_help()
        finally:
            self._action_groups = every

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
        """Raise ConfigError with the message, in which an option has one name, and a hint."""
        for action in self._actions:
            every = "/".join(action.option_strings)
            if len(action.option_strings) > 1:
                message = message.replace(every, shown_names(action)[-1])
        if message.startswith(_MISSING):
            message = _MISSING + self._with_choices(message.removeprefix(_MISSING))
        raise ConfigError(f"{message}\nsee `{self.prog} --help`")

    def _with_choices(self, names: str) -> str:
        """Return names of arguments, those that take one of a few words with these words."""
        choices = {
            action.dest: ", ".join(map(str, action.choices))
            for action in self._actions
            if action.choices and not action.option_strings
        }
        return ", ".join(
            f"{name} ({choices[name]})" if name in choices else name for name in names.split(", ")
        )

    def option_strings(self) -> list[str]:
        """Return every option the command knows."""
        return [option for action in self._actions for option in action.option_strings]


def parse(parser: CommandParser, arguments: Sequence[str]) -> argparse.Namespace:
    """Return the parsed arguments. Raise ConfigError, or UnknownName with the nearest option."""
    parser.given = arguments
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
