"""What Ray prints in the process of a run stays out of standard output."""

from __future__ import annotations

import io
import sys
import threading

import pytest

from tau2.runner.executors.ray_lines import ray_lines_apart


@pytest.fixture
def streams(monkeypatch):
    def put():
        output, errors = io.StringIO(), io.StringIO()
        monkeypatch.setattr("sys.stdout", output)
        monkeypatch.setattr("sys.stderr", errors)
        return output, errors

    return put


def printed_by(name: str, text: str) -> None:
    thread = threading.Thread(target=lambda: sys.stdout.write(text), name=name)
    thread.start()
    thread.join()


def test_a_line_of_a_thread_of_ray_goes_to_standard_error(streams):
    output, errors = streams()
    with ray_lines_apart():
        printed_by("ray_listen_error_messages", "(raylet) node dead")
        printed_by("Thread-1", '{"reward": 1}')
    assert (output.getvalue(), errors.getvalue()) == ('{"reward": 1}', "(raylet) node dead")
    assert sys.stdout is output


def test_a_display_that_took_the_stream_meanwhile_keeps_it(streams):
    streams()
    display = io.StringIO()
    with ray_lines_apart():
        sys.stdout = display
    assert sys.stdout is display
