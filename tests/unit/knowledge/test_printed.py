"""Which documents a command has shown."""

from __future__ import annotations

import pytest
from tests.unit.knowledge.cast import BOARD

from tau2.knowledge.documents import Document, DocumentSet
from tau2.knowledge.printed import documents_printed
from tau2.knowledge.shell import Shell

SHELL = Shell(BOARD)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("cat keys.md noise.md", ["keys", "noise"]),
        ("cat *.md", ["compost", "hose", "keys", "noise", "shed"]),
        ("grep -rn mowers .", ["noise"]),
        ("grep -n -A1 Quiet noise.md shed.md; grep -h tools shed.md", ["shed"]),
        ("rg -n euros", ["keys"]),
        ("cat -n hose.md", ["hose"]),
        ("nl hose.md", ["hose"]),
        ("for f in k*; do tail -1 $f; done", ["keys"]),
        ("ls; cat INDEX.md; head -1 *.md; grep -c e *.md; grep -l e *.md", []),
        ("cut -c1-5 keys.md", []),
    ],
)
def test_a_document_is_shown_when_a_line_of_it_is(command, shown):
    assert documents_printed(BOARD, SHELL.run(command)) == shown


def test_lines_that_several_documents_have_tell_nothing():
    line = "See also: the other articles."
    documents = DocumentSet(
        [Document("a", "A", f"{line}\nOnly in the first one."), Document("b", "B", line)]
    )
    assert documents_printed(documents, line) == []
    assert documents_printed(documents, f"{line}\nOnly in the first one.") == ["a"]
