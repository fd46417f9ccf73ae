"""The models that have names: facts that fit one another."""

from __future__ import annotations

import re

import pytest

from tau2.errors import UnknownName
from tau2.llm.local.catalog import DEFAULT_MODEL, MODELS, KnownModel, known_model, model_names

EVERY = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


@EVERY
def test_the_pieces_have_as_many_bytes_as_the_file(model: KnownModel) -> None:
    assert sum(part.size for part in model.weights.parts) == model.weights.size


@EVERY
def test_one_digest_decides(model: KnownModel) -> None:
    assert re.fullmatch("[0-9a-f]{64}", model.weights.sha256)


@EVERY
def test_every_package_has_a_version_and_is_named_once(model: KnownModel) -> None:
    parts = model.weights.parts
    assert len({part.package for part in parts}) == len(parts)
    assert all(re.fullmatch(r"[\w-]+==\d+(\.\d+)+", part.requirement) for part in parts)


def test_names_and_files_are_those_of_one_model_each() -> None:
    assert len(set(model_names())) == len(MODELS)
    assert len({model.weights.sha256 for model in MODELS}) == len(MODELS)
    assert all(model.weights.file.endswith(".gguf") for model in MODELS)


def test_the_default_is_one_of_them_and_free_to_use() -> None:
    assert known_model(DEFAULT_MODEL).licence == "Apache-2.0"


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'smollm2'"):
        known_model("smolm2")
