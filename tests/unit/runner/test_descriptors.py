"""A system that has no file descriptors left: one sentence, whatever was being opened."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e

PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv.pop(1)),) * 2)
from tau2.cli import main
sys.exit(main())
"""
RUN = ("run", "--domain", "mock", "--agent", "oracle_agent", "--user", "scripted_user")
SAVED = ("--save-to", "few", "--workers", "4")


@pytest.mark.parametrize("limit", [10, 14, 18, 22])
def test_too_few_file_descriptors_for_workers_are_one_sentence(tmp_path, limit):
    command = [sys.executable, "-c", PROGRAM, str(limit), *RUN, *SAVED]
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2
    (sentence,) = ended.stderr.splitlines()
    assert re.match(r"tau2 run: .*Too many open files", sentence)
