"""Names of other packages: found by entry points, and told apart when they do not load."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest
from tests.unit.knowledge.cast import BOARD, found

from tau2.errors import ConfigError, UnknownName
from tau2.knowledge.protocols import Hit, Retriever
from tau2.knowledge.registry import PluginTable

GROUP = "tau2.retrievers"


class Backwards:
    """Finds documents from the last to the first."""

    def __init__(self, documents, most=10):
        self.documents = documents
        self.most = most

    def search(self, query, limit):
        return [Hit(document, 1.0) for document in reversed(self.documents)][
            : min(limit, self.most)
        ]


@pytest.fixture
def table(monkeypatch):
    """A table without names of its own, and two installed packages."""
    entries = [
        EntryPoint("backwards", f"{__name__}:Backwards", GROUP),
        EntryPoint("broken", "no_such_module_at_all:Thing", GROUP),
    ]
    monkeypatch.setattr(
        "tau2.knowledge.registry.entry_points",
        lambda group: [entry for entry in entries if entry.group == group],
    )
    made: PluginTable[Retriever] = PluginTable("retriever", GROUP, {})
    return made


def test_an_installed_package_adds_a_name(table):
    assert table.names() == ["backwards", "broken"]
    assert found(table.make("backwards", BOARD, most=2).search("?", 9)) == ["shed", "noise"]


def test_a_package_that_does_not_load_is_named_with_the_reason(table):
    with pytest.raises(ConfigError, match=r"'broken' .*no_such_module_at_all"):
        table.make("broken", BOARD)


def test_an_unknown_name_suggests_the_nearest(table):
    with pytest.raises(UnknownName, match="did you mean 'backwards'"):
        table.check("backward", BOARD)


def test_an_unknown_option_is_told_before_anything_is_made(table):
    with pytest.raises(ConfigError, match=r"'backwards' cannot be made: .*colour"):
        table.check("backwards", BOARD, colour="red")


def test_a_name_added_for_a_while_is_gone_afterwards(table):
    with table.adding("again", Backwards):
        assert "again" in table
    assert "again" not in table
