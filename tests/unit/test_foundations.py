"""Errors, seeds and settings: what everything else stands on."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from tau2 import config, errors
from tau2.errors import MissingExtra, Tau2Error, UnknownName, needs_extra
from tau2.seeds import derive_seed

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, Tau2Error)
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_survives_a_process_boundary(kind):
    made = (
        kind("domain", "mok", ["mock"])
        if kind is UnknownName
        else kind("what, why, and what to do")
    )
    back = pickle.loads(pickle.dumps(made))
    assert type(back) is kind
    assert str(back) == str(made)


@pytest.mark.parametrize(
    ("name", "known", "words"),
    [
        ("mok", ["mock", "retail"], "no domain named 'mok'; did you mean 'mock'?"),
        ("zzz", ["mock", "retail"], "no domain named 'zzz'; known: mock, retail"),
        ("zzz", [], "no domain named 'zzz'; none is known"),
        ("zzz", [f"d{n:02}" for n in range(20)], "(+8 more)"),
        (7, ["mock"], "no domain named '7'"),
    ],
)
def test_a_wrong_name_gets_a_hint(name, known, words):
    assert words in str(UnknownName("domain", name, known))


def test_a_missing_package_names_its_extra():
    with (
        pytest.raises(MissingExtra, match=r"pip install 'tau2-bench\[voice\]'"),
        needs_extra("voice", "no_such_thing"),
    ):
        import no_such_thing.inner  # noqa: F401


def test_a_broken_package_is_not_a_missing_one():
    with (
        pytest.raises(ModuleNotFoundError, match="another_thing"),
        needs_extra("voice", "no_such_thing"),
    ):
        raise ModuleNotFoundError("No module named 'another_thing'", name="another_thing")


def test_seeds_are_the_same_everywhere_and_differ_by_scope():
    assert (
        derive_seed(300, "simulation", "1", 0)
        == derive_seed(300, "simulation", 1, "0")
        == 2892251442
    )
    assert (
        len(
            {
                derive_seed(300, "a"),
                derive_seed(301, "a"),
                derive_seed(300, "b"),
                derive_seed(300, "a", ""),
            }
        )
        == 4
    )


def test_data_is_our_own_unless_named(monkeypatch, tmp_path):
    assert config.data_dir() == config.PACKAGE_ROOT
    assert not config.is_foreign_data()
    assert not config.strict_compat()
    monkeypatch.setenv("TAU2_DATA_DIR", str(tmp_path))
    assert config.domain_dir("mock") == tmp_path / "tau2" / "domains" / "mock"
    assert config.strict_compat()
    monkeypatch.setenv("TAU2_STRICT_COMPAT", "off")
    assert not config.strict_compat()


def test_runs_are_saved_where_the_data_is_not_ours(monkeypatch, tmp_path):
    monkeypatch.delenv("TAU2_SIMULATIONS_DIR")
    assert config.simulations_dir() == Path("data") / "simulations"
    monkeypatch.setenv("TAU2_DATA_DIR", str(tmp_path))
    assert config.simulations_dir() == tmp_path / "simulations"
    monkeypatch.setenv("TAU2_SIMULATIONS_DIR", "~/runs")
    assert config.simulations_dir() == Path.home() / "runs"


def test_the_judge_may_be_named(monkeypatch):
    assert config.judge_model() == config.DEFAULT_LLM_NL_ASSERTIONS
    monkeypatch.setenv("TAU2_JUDGE_LLM", "openai/judge")
    assert config.judge_model() == "openai/judge"


def test_a_name_of_megabytes_is_cut_in_its_message() -> None:
    problem = UnknownName("task", "x" * 20_000_000, [f"task_{number}" for number in range(3000)])

    assert len(str(problem)) < 2000
    assert "(+19,999,500 characters)" in str(problem)
    assert "did you mean" in str(UnknownName("task", "task_1x", problem.known))
