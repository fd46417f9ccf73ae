from __future__ import annotations

import argparse
import json
from typing import Any

import pytest
from pydantic import BaseModel

from tau2.cli import run
from tau2.cli.flags import build_config, flags_of, given_values, read_json_object
from tau2.cli.parsing import CommandParser, parse
from tau2.data_model.run_config import TextRunConfig
from tau2.errors import ConfigError

FLAGS = flags_of(TextRunConfig)


def parsed(*arguments: str) -> dict[str, Any]:
    parser = CommandParser(prog="tau2 run", description="")
    run.add_arguments(parser)
    return given_values(parse(parser, arguments), FLAGS)


def an_example(flag) -> tuple[list[str], Any]:
    """Return words of the command line and the value they stand for."""
    if flag.choices:
        return [flag.choices[-1]], flag.choices[-1]
    examples = {
        bool: ([], True),
        int: (["7"], 7),
        float: (["2.5"], 2.5),
        str: (["a name"], "a name"),
        list: (["one", "two"], ["one", "two"]),
        dict: (['{"openai": 40}'], {"openai": 40}),
    }
    return examples[flag.kind]


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.field)
def test_every_field_of_the_configuration_has_a_flag_and_arrives(flag):
    words, value = an_example(flag)
    for name in flag.names:
        config = build_config(TextRunConfig, parsed(name, *words), FLAGS)
        assert getattr(config, flag.field) == value


def test_no_field_is_forgotten():
    assert [flag.field for flag in FLAGS] == list(TextRunConfig.model_fields)


def test_what_is_not_given_keeps_its_default():
    assert parsed("--domain", "mock") == {"domain": "mock"}


@pytest.mark.parametrize(
    ("flag", "field"),
    [
        ("-d", "domain"),
        ("--agent-llm", "llm_agent"),
        ("--agent-llm-args", "llm_args_agent"),
        ("--user-llm", "llm_user"),
        ("--user-llm-args", "llm_args_user"),
        ("--provider-limit", "provider_limits"),
    ],
)
def test_public_names_differ_from_the_fields(flag, field):
    assert flag in next(known.names for known in FLAGS if known.field == field)


def test_every_flag_explains_itself():
    assert [flag.field for flag in FLAGS if not flag.help] == []


def test_a_default_can_be_unset():
    assert parsed("--task-split-name", "none") == {"task_split_name": None}


@pytest.mark.parametrize("text", ["{temperature: 0}", "[1]", '"text"', "temperature"])
def test_what_is_no_json_object_is_explained(text):
    with pytest.raises(argparse.ArgumentTypeError, match="write it in single quotes"):
        read_json_object(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"temperature": 0.5}', {"temperature": 0.5}),
        ("openai=40,gemini=20", {"openai": 40, "gemini": 20}),
        ("verbosity=minimal", {"verbosity": "minimal"}),
        ("{}", {}),
    ],
)
def test_json_objects_and_pairs_are_read(text, value):
    assert read_json_object(text) == value


def test_a_value_that_does_not_fit_names_the_flag():
    with pytest.raises(ConfigError) as refused:
        build_config(TextRunConfig, {"provider_limits": {"openai": "many"}}, FLAGS)
    text = str(refused.value)
    assert text.startswith("--provider-limits: openai: 'many' is no limit; write ")
    assert '{"openai": 40}' in text
    with pytest.raises(ConfigError, match="openai: rpm: 'many' is no limit"):
        build_config(TextRunConfig, {"provider_limits": {"openai": {"rpm": "many"}}}, FLAGS)


def test_an_error_calls_an_option_by_one_name():
    with pytest.raises(ConfigError) as refused:
        parsed("--provider-limit", "openai:4")
    assert "argument --provider-limits: not a JSON object" in str(refused.value)
    assert "--provider-limit/" not in str(refused.value)
    assert "as openai=40" in str(refused.value)


def test_a_model_with_a_field_that_no_flag_can_give_is_refused():
    class Odd(BaseModel):
        pair: tuple[int, int] = (0, 0)

    with pytest.raises(ConfigError, match="pair"):
        flags_of(Odd)


def test_a_switch_that_is_on_by_default_can_be_turned_off():
    class Settings(BaseModel):
        colour: bool = True
        limits: dict[str, Any] = {"a": 1}

    flags = flags_of(Settings)
    parser = argparse.ArgumentParser()
    for flag in flags:
        flag.add_to(parser.add_argument_group(flag.field))
    assert given_values(parser.parse_args(["--no-colour"]), flags) == {"colour": False}
    assert json.dumps({"a": 1}) in parser.format_help()


def help_of(*arguments: str, capsys) -> str:
    with pytest.raises(SystemExit):
        parsed(*arguments)
    return capsys.readouterr().out


def test_the_help_of_run_leaves_out_what_does_nothing(capsys):
    text = help_of("--help", capsys=capsys)
    assert "--tick-duration" not in text
    assert "--is-remote" not in text
    assert "tau2 run --audio-native --help" in text
    assert len(text.splitlines()) < 200
    voice = help_of("--audio-native", "--help", capsys=capsys)
    assert "--tick-duration" in voice
    assert "--is-remote" not in voice


def test_every_option_has_one_name_in_the_help(capsys):
    text = help_of("--help", capsys=capsys)
    assert "--provider-limits JSON" in text
    assert "--provider-limit " not in text
    assert "  --judge-llm MODEL" in text
    assert "--llm-judge" not in text
    assert "  --[no-]record " in text


@pytest.mark.parametrize("name", ["--provider-limit", "--provider-limits"])
def test_both_spellings_of_the_limits_are_accepted(name):
    assert parsed(name, '{"openai": 4}') == {"provider_limits": {"openai": 4}}
