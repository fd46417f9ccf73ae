"""Vectors on disk: whole or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from tau2.knowledge.cache import CachedEmbedder, VectorCache, key_of_vectors

ROWS = np.eye(3, dtype=np.float32)
KEY = "ab" * 32


@pytest.fixture
def cache(tmp_path):
    return VectorCache(tmp_path)


def only_file(cache):
    (path,) = cache.folder.glob("*/*.npy")
    return path


def test_what_was_put_is_read_again_and_is_an_ordinary_npy_file(cache):
    cache.put(KEY, ROWS)
    assert (cache.get(KEY, 3) == ROWS).all()
    assert (np.load(only_file(cache), allow_pickle=False) == ROWS).all()


def _cut(content):
    return content[:-50]


def _flipped(content):
    return content[:140] + bytes([content[140] ^ 1]) + content[141:]


@pytest.mark.parametrize(
    "damage", [_cut, _flipped, lambda _: b"", lambda content: content * 90_000]
)
def test_a_damaged_file_counts_as_absent(cache, damage):
    cache.put(KEY, ROWS)
    path = only_file(cache)
    path.write_bytes(damage(path.read_bytes()))
    assert cache.get(KEY, 3) is None


def test_a_file_with_pickled_objects_is_not_loaded(cache):
    import hashlib
    import io

    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}] * 3, dtype=object), allow_pickle=True)
    cache.put(KEY, ROWS)
    only_file(cache).write_bytes(file.getvalue() + hashlib.sha256(file.getvalue()).digest())
    assert cache.get(KEY, 3) is None


def test_vectors_of_another_number_of_texts_are_not_taken(cache):
    cache.put(KEY, ROWS)
    assert cache.get(KEY, 2) is None


def test_the_folder_stays_small_and_what_was_used_last_stays(tmp_path):
    cache = VectorCache(tmp_path, most_bytes=500)
    for name in ("aa", "bb", "cc"):
        cache.put(name * 32, ROWS)
    assert cache.get("aa" * 32, 3) is None
    assert cache.get("cc" * 32, 3) is not None


def test_a_folder_that_cannot_be_written_costs_only_the_next_computation(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    cache = VectorCache(blocked)
    cache.put(KEY, ROWS)
    assert cache.get(KEY, 3) is None


def test_embedder_and_every_text_decide_the_key():
    keys = {
        key_of_vectors("a", ["b", "c"]),
        key_of_vectors("a", ["bc"]),
        key_of_vectors("ab", ["c"]),
        key_of_vectors("a", ["c", "b"]),
    }
    assert len(keys) == 4


class Moody:
    """Fails when it is asked for the 65th text."""

    name = "moody"

    def __init__(self):
        self.asked = 0

    def documents(self, texts):
        self.asked += len(texts)
        if self.asked == 100:
            raise RuntimeError("no more")
        return np.ones((len(texts), 2), dtype=np.float32)

    def query(self, text):
        raise NotImplementedError


def test_what_was_embedded_before_a_failure_is_kept(cache):
    moody = Moody()
    texts = [f"text {n}" for n in range(100)]
    with pytest.raises(RuntimeError):
        CachedEmbedder(moody, cache).documents(texts)
    assert CachedEmbedder(moody, cache).documents(texts).shape == (100, 2)
    assert moody.asked == 64 + 36 + 36
