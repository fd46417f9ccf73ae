from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest


def test_pages_are_served_until_ctrl_c():
    arguments = [sys.executable, "-m", "tau2.cli", "start", "mock"]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        lines = [server.stdout.readline() for _ in range(3)]
        url = re.search(r"http://127\.0\.0\.1:\d+/\S+/", "".join(lines)).group()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        assert b"mock" in opener.open(url, timeout=10).read()
        os.kill(server.pid, signal.SIGINT)
        out, err = server.communicate(timeout=20)
    assert server.returncode == 0
    assert out.rstrip().endswith("stopped")
    assert err == ""


def test_names_and_ports_are_checked(tau2):
    assert "did you mean 'mock'?" in tau2("start", "mok").err
    assert "--port must be between" in tau2("start", "mock", "--port", "70000").err
    assert "did you mean 'mock'?" in tau2("domain", "mok", "--serve").err


@pytest.mark.parametrize(
    ("arguments", "served"), [(("start",), None), (("domain", "mock", "--serve"), ["mock"])]
)
def test_all_domains_or_the_named_one(tau2, monkeypatch, arguments, served):
    seen = []

    def noted(names, port, _runs):
        seen.append((list(names), port))

    monkeypatch.setattr("tau2.cli.start._served", noted)
    assert tau2(*arguments, "--port", "8123").code == 0
    names, port = seen[0]
    assert port == 8123
    assert names == served or len(names) >= 4


@pytest.mark.parametrize("module", ["starlette", "uvicorn", "markdown_it"])
def test_without_its_extra_it_says_what_to_install(module):
    program = (
        f"import sys; sys.modules[{module!r}] = None; from tau2.cli import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", program, "start", "mock"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "pip install 'tau2-bench[serve]'" in ended.stderr
    assert "Traceback" not in ended.stderr
