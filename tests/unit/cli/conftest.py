"""The command line as a user has it: arguments in, exit code and two streams out."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tau2.cli import main

OFFLINE = ("--agent", "oracle_agent", "--user", "scripted_user")


@dataclass(frozen=True)
class Ended:
    """A finished command."""

    code: int
    out: str
    err: str


@pytest.fixture
def tau2(capsys, workplace):
    """Run a command in an empty folder: `tau2("run", "--domain", "mock")`."""

    def run(*arguments: str) -> Ended:
        capsys.readouterr()
        code = main(arguments)
        streams = capsys.readouterr()
        return Ended(code, streams.out, streams.err)

    return run
