"""The shell over documents: a folder of its own, out of which no command gets."""

from __future__ import annotations

import os
import pickle
from datetime import datetime

import pytest
from tests.unit.knowledge.cast import BOARD

from tau2.errors import ToolError
from tau2.knowledge.documents import Document, DocumentSet
from tau2.knowledge.shell import Shell, as_files, file_names

SHELL = Shell(BOARD, now=datetime(2025, 11, 14, 3, 40))  # noqa: DTZ001  -- the bank's own clock


def test_documents_are_files_with_an_index():
    assert SHELL.run("ls").split() == [
        "INDEX.md",
        "compost.md",
        "hose.md",
        "keys.md",
        "noise.md",
        "shed.md",
    ]
    assert (
        SHELL.run("cat keys.md") == "# Lost keys\n\nAsk Petra for a new key. A key costs 12 euros."
    )
    assert SHELL.run("head -4 INDEX.md") == (
        "# Index: 5 documents\n\n- compost.md: The compost heap\n- hose.md: Watering"
    )


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("grep -il mowers *", "noise.md"),
        ("rg -l Petra", "keys.md"),
        ("grep -r 'no such thing' .", "(no matches)"),
        ("cat keys.md | grep zebra", "(no matches)"),
        ("true", "(no output)"),
        ("false", "Exit code: 1"),
        ("exit 7", "Exit code: 7"),
        ("cat lost.md", "Exit code: 1\ncat: lost.md: No such file or directory"),
        ("echo so far; cat lost.md 2>/dev/null", "so far\nExit code: 1"),
        ("for f in k*.md; do wc -l < $f; done", "3"),
        ("date +%m/%d/%Y", "11/14/2025"),
        ("date -d 2025-01-31 +%A", "Friday"),
        ("sleep 1000", "(no output)"),
        ("cd /; pwd", "/"),
    ],
)
def test_commands_answer_as_in_any_shell(command, printed):
    assert SHELL.run(command) == printed


def test_each_command_begins_anew():
    assert SHELL.run("cd /tmp; word=hello; pwd") == "/tmp"
    assert SHELL.run('echo "$PWD$word"') == "/knowledge"


def test_a_listing_is_the_same_on_every_machine():
    assert SHELL.run("ls -l keys.md").split()[-3:] == ["2025-01-01", "00:00", "keys.md"]


def test_nothing_of_the_host_is_there(tmp_path, monkeypatch):
    (tmp_path / "secret.txt").write_text("canary", encoding="utf-8")
    monkeypatch.setenv("TAU2_CANARY", "canary")
    printed = SHELL.run(
        f"cat {tmp_path}/secret.txt; ls {tmp_path}; cat ../../../..{tmp_path}/secret.txt; "
        "env; set; cat /proc/self/environ; cat /etc/passwd; ls -R /home /root"
    )
    assert "canary" not in printed
    assert os.environ.get("USER", "tau2 nobody") not in printed


@pytest.mark.parametrize("command", ["curl http://localhost", "wget -q localhost", "nc x 80"])
def test_there_is_no_network(command):
    assert SHELL.run(command).startswith("Exit code: ")


def test_a_shell_that_may_only_read_writes_nowhere():
    assert "read-only" in SHELL.run("echo hello > note.txt")
    assert "read-only" in SHELL.run("rm keys.md")
    assert "read-only" in SHELL.run("echo hello > /tmp/note.txt")


def writing():
    return Shell(BOARD, writable=True)


def test_files_outlive_a_command():
    shell = writing()
    assert shell.run("mkdir -p notes/old; echo hello > notes/old/a.txt; rm shed.md") == (
        "(no output)"
    )
    assert shell.run("cat notes/old/a.txt; ls") == (
        "hello\nINDEX.md\ncompost.md\nhose.md\nkeys.md\nnoise.md\nnotes"
    )


def test_a_document_may_be_changed_replaced_by_a_folder_and_put_back():
    shell = writing()
    shell.run("sed -i s/Petra/Paul/ keys.md; rm hose.md; mkdir hose.md; echo x > hose.md/x")
    assert shell.run("grep -c Paul keys.md; cat hose.md/x") == "1\nx"
    shell.run("rm -r hose.md; echo dry > hose.md")
    assert shell.run("cat hose.md") == "dry"


def test_forks_write_for_themselves():
    shell = writing()
    shell.run("echo one > note.txt")
    fork = shell.fork()
    fork.run("echo two >> note.txt")
    assert fork.run("cat note.txt") == "one\ntwo"
    assert shell.run("cat note.txt") == "one"
    assert pickle.loads(pickle.dumps(fork)).run("cat note.txt") == "one\ntwo"


def test_what_no_disk_would_hold_is_not_kept():
    shell = writing()
    shell.run("echo one > note.txt")
    printed = shell.run("for i in 1 2 3; do head -c 900000 /dev/zero > $i; done")
    assert printed == "Exit code: 1\nno space left: nothing that the command wrote is kept"
    assert shell.run("ls *.txt; test -e 1") == "note.txt\nExit code: 1"


def test_long_output_is_cut():
    documents = DocumentSet([Document("long", "Long", "word " * 50_000)])
    assert len(Shell(documents).run("cat long.md")) == 100_000


def test_a_long_command_is_refused():
    with pytest.raises(ToolError, match="20,001 characters"):
        SHELL.run("a" * 20_001)


def test_a_command_that_crashes_the_interpreter_ends_only_itself():
    nested = "jq -n '" + "(" * 19_000 + "'"
    assert "Exit code: 139\nthe shell crashed" in SHELL.run(nested)
    assert SHELL.run("echo here") == "here"


@pytest.mark.parametrize("command", ["\x00", "\ud800", "(", "`", "'", "", " ", "echo \ud800\x00"])
def test_any_text_may_come(command):
    assert isinstance(SHELL.run(command), str)


def test_names_of_files_are_safe_and_distinct():
    documents = DocumentSet(
        Document(name, "", "") for name in ("a/b", "a b", "../x", ".hid", "INDEX", "A_b", "ü(1)")
    )
    names = file_names(documents)
    assert names["../x"] == "_x.md"
    assert names[".hid"] == "hid.md"
    assert names["ü(1)"] == "ü(1).md"
    assert len({name.casefold() for name in names.values()} | {"index.md"}) == 8
    assert len(as_files(documents)) == 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_of_the_process_has_a_shell_of_its_own():
    shell = writing()
    shell.run("echo one > note.txt")
    reading, writing_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing_end, shell.run("cat note.txt").encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100) == b"one"
    assert shell.run("echo two >> note.txt; cat note.txt") == "one\ntwo"
    os.close(reading)
    os.close(writing_end)
