"""The one door to standard output and standard error.

Everything the package prints goes through here, or through the console in `utils.terminal`, so that
no text reaches a terminal raw, and no stream that is closed, full or left by its reader makes work
fail. A test forbids every other way.
"""

from __future__ import annotations

import codecs
import logging
import os
import shutil
import sys
import textwrap
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO, cast

from tau2.utils.json_types import JsonValue
from tau2.utils.terminal_text import clean, indented, json_text

_DESCRIPTORS = (0, 1, 2)


class UnfailingStream:
    """A text stream whose writes never fail.

    A character that its encoding lacks is replaced. After a failure, what is written is lost, and
    `problem` says why.
    """

    def __init__(self, stream: TextIO | None, redact: Callable[[str], str] = str) -> None:
        """Write to a stream; to nothing if there is none. `redact` takes secrets out of texts."""
        self._stream = stream
        self._redact = redact
        self.problem: Exception | None = None

    @property
    def encoding(self) -> str:
        """The encoding of the stream; that of the locale where a terminal has the C locale.

        Python itself takes UTF-8 there, which such a terminal does not show.
        """
        if _is_c_locale() and self.isatty():
            return "ascii"
        return getattr(self._stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Write what can be written; return the length of the text."""
        if self._stream is not None and self.problem is None:
            try:
                self._stream.write(_encodable(self._redact(text), self.encoding))
            except (OSError, ValueError) as problem:  # ValueError: it is closed
                self._give_up(problem)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        if self._stream is not None and self.problem is None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as problem:
                self._give_up(problem)

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        try:
            return self._stream is not None and self._stream.isatty()
        except ValueError:  # it is closed
            return False

    def _give_up(self, problem: Exception) -> None:
        """Write no more, and let the interpreter flush into nothing at exit."""
        self.problem = problem
        with suppress(OSError, ValueError, AttributeError):  # not every stream has a descriptor
            discard(cast("TextIO", self._stream))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def discard(stream: TextIO) -> None:
    """Let the descriptor of a stream lead to nothing.

    Raise OSError or ValueError where there is none.
    """
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, stream.fileno())
    finally:
        os.close(nothing)


_SPELLED = {
    "×": "x",
    "…": "~",
    "–": "-",
    "−": "-",
    "·": "-",
    "→": ">",
    "•": "*",
    "≥": ">",
    "≤": "<",
    "█": "#",
    "░": ".",
    "τ": "t",
    "³": "3",
    "²": "2",
    "±": "+/-",
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
}
"""What is written for our own signs where the encoding of a stream lacks them: as wide as they, for
tables stay tables; "±" stands in sentences only."""


def _encodable(text: str, encoding: str) -> str:
    if text.isascii():
        return text
    try:
        return text.encode(encoding, _ERRORS).decode(encoding)
    except LookupError:  # a stream may claim an encoding that Python does not have
        return text.encode("ascii", _ERRORS).decode("ascii")


def _spelled(problem: UnicodeError) -> tuple[str, int]:
    assert isinstance(problem, UnicodeEncodeError), "it is for encoding only"
    lacking = problem.object[problem.start : problem.end]
    return "".join(_SPELLED.get(sign, "?") for sign in lacking), problem.end


_ERRORS = "tau2.spelled"
codecs.register_error(_ERRORS, _spelled)


def _is_c_locale() -> bool:
    """Return whether the C locale was asked for, and no encoding beside it."""
    name = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE")
    is_chosen = os.environ.get("PYTHONIOENCODING") or os.environ.get("PYTHONUTF8") == "1"
    return name in {"C", "POSIX"} and not is_chosen


def standard_stream(*, error: bool = False, redact: Callable[[str], str] = str) -> UnfailingStream:
    """Return standard output, or standard error, as it is now, with writes that never fail."""
    stream = sys.stderr if error else sys.stdout
    return stream if isinstance(stream, UnfailingStream) else UnfailingStream(stream, redact)


def passed_mark(passed: bool) -> str:
    """Return a check mark or a cross; a word where standard output may not show them."""
    sign, word = ("✓", "passed") if passed else ("✗", "failed")
    if _is_c_locale():
        return word
    try:
        sign.encode(standard_stream().encoding)
    except (UnicodeEncodeError, LookupError):
        return word
    return sign


def is_terminal(*, error: bool = False) -> bool:
    """Return whether standard output, or standard error, is a terminal."""
    return standard_stream(error=error).isatty()


def show(text: object = "", end: str = "\n") -> None:
    """Print text, cleaned, on standard output."""
    standard_stream().write(clean(text) + end)


def show_error(text: object, *, fits: bool = True) -> None:
    """Print text, cleaned, on standard error, behind what standard output has so far.

    On a terminal, sentences are wrapped at their words, unless `fits` is False.
    """
    standard_stream().flush()
    stream = standard_stream(error=True)
    cleaned = clean(text)
    if fits and stream.isatty():
        width = shutil.get_terminal_size().columns
        cleaned = "\n".join(_wrapped(line, width) for line in cleaned.split("\n"))
    stream.write(cleaned + "\n")
    stream.flush()


_COMMANDS = ("tau2 ", "pip ", "python ", "export ")
_IN_COMMANDS = ("'{", "pip install")


def _wrapped(line: str, width: int) -> str:
    """Return a sentence on lines of a terminal; a command as it is, which is to be copied."""
    indent = line[: len(line) - len(line.lstrip())]
    is_command = line.lstrip().startswith(_COMMANDS) and ": " not in line
    has_command = any(part in line for part in _IN_COMMANDS) or (indent and " --" in line)
    if len(line) <= width or is_command or has_command:
        return line
    return textwrap.fill(
        line.strip(),
        width,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def show_json(value: JsonValue, indent: int | None = 2) -> None:
    """Print a value as JSON on standard output; control characters are escaped, not left out."""
    standard_stream().write(json_text(value, indent) + "\n")


def flush() -> None:
    """Write what was printed, now."""
    standard_stream().flush()
    standard_stream(error=True).flush()


def is_answering() -> bool:
    """Return whether a person can be asked: whether standard input is a terminal."""
    try:
        return sys.stdin is not None and sys.stdin.isatty()
    except ValueError:  # it is closed
        return False


def read_line(prompt: str) -> str:
    """Return a line that a person types. Raise EOFError at the end of the input."""
    if sys.stdin is None:
        raise EOFError
    return input(clean(prompt))


@contextmanager
def protected_output(
    redact: Callable[[str], str] = str, redact_errors: Callable[[str], str] = str
) -> Iterator[UnfailingStream]:
    """Let nothing that this process prints fail, nor reach a terminal raw; yield standard output.

    Python itself writes warnings, log records that nobody handles, and exceptions of threads.

    Args:
        redact: Takes secrets out of what is written to standard output.
        redact_errors: Takes secrets out of what is written to standard error.
    """
    _hold_descriptors()
    output = standard_stream(redact=redact)
    errors = standard_stream(error=True, redact=redact_errors)
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(cast("TextIO", output)))
        stack.enter_context(redirect_stderr(cast("TextIO", errors)))
        for place, name, replacement in (
            (warnings, "showwarning", _show_warning),
            (threading, "excepthook", _show_thread_problem),
            (logging, "lastResort", LogHandler(logging.WARNING)),
        ):
            stack.callback(setattr, place, name, getattr(place, name))
            setattr(place, name, replacement)
        yield output


def _hold_descriptors() -> None:
    """Open descriptors that the process began without, so that no file of a run becomes one."""
    for descriptor in _DESCRIPTORS:
        try:
            os.fstat(descriptor)
        except OSError:
            held = os.open(os.devnull, os.O_RDWR)  # the lowest that is free: this one
            os.set_inheritable(held, True)  # noqa: FBT003  -- it takes no keywords


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    _file: TextIO | None = None,
    line: str | None = None,
) -> None:
    text = warnings.formatwarning(message, category, filename, lineno, line)
    show_error(indented(text.rstrip("\n")))


def _show_thread_problem(problem: threading.ExceptHookArgs) -> None:
    if problem.exc_type is not SystemExit:
        lines = traceback.format_exception(
            problem.exc_type, problem.exc_value, problem.exc_traceback
        )
        show_error(indented("".join(lines).rstrip("\n")), fits=False)


def show_problem(problem: BaseException) -> None:
    """Print an exception with its traceback on standard error."""
    show_error(indented("".join(traceback.format_exception(problem)).rstrip("\n")), fits=False)


class LogHandler(logging.Handler):
    """Prints log records on standard error, as it is then: a live display replaces it."""

    def __init__(self, level: int = logging.NOTSET, redact: Callable[[str], str] = str) -> None:
        """Print records of at least `level`; `redact` takes secrets out of a line."""
        super().__init__(level)
        self._redact = redact

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        show_error(indented(self._redact(self.format(record))))
