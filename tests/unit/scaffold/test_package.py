"""A package that `tau2 new` writes passes its own tests as written."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import json
import tomllib
from unittest import SkipTest

import pytest
from tests.installed import installed

from tau2.cli import main
from tau2.cli.start import _usable
from tau2.errors import ConfigError
from tau2.llm import complete
from tau2.registry import registry
from tau2.scaffold.package import KINDS, write_package
from tau2.service.catalog import DomainDocs


def load(path):
    spec = importlib.util.spec_from_file_location(f"own_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def own_tests(module):
    """Return the tests of a module by name, as pytest collects them."""
    found = dict(inspect.getmembers(module, inspect.isfunction))
    for class_name, kind in inspect.getmembers(module, inspect.isclass):
        if class_name.startswith("Test"):
            members = inspect.getmembers(kind(), inspect.ismethod)
            found |= {f"{class_name}.{name}": method for name, method in members}
    return {
        name: test for name, test in found.items() if name.rpartition(".")[2].startswith("test_")
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_passes_its_own_tests(kind, tmp_path):
    package = write_package(kind, "toy-shop", tmp_path)
    (file,) = (package.folder / "tests").glob("test_*.py")
    with installed(package.folder):
        tests = own_tests(load(file))
        assert len(tests) >= 7
        for test in tests.values():
            try:
                test()
            except SkipTest:
                continue


@pytest.mark.parametrize("kind", KINDS)
def test_files_are_named_after_the_package(kind, tmp_path):
    package = write_package(kind, "toy-shop", tmp_path)
    texts = {path: (package.folder / path).read_text(encoding="utf-8") for path in package.files}
    assert {"README.md", "pyproject.toml", "tau2_toy_shop/__init__.py"} <= texts.keys()
    assert not [path for path, text in texts.items() if "{{" in text or "__module__" in path]
    project = tomllib.loads(texts["pyproject.toml"])["project"]
    assert project["name"] == "tau2-toy-shop"
    assert list(itertools.chain(*project["entry-points"].values())) == ["toy-shop"]


@pytest.mark.parametrize("kind", KINDS)
def test_code_is_within_a_hundred_columns(kind, tmp_path):
    package = write_package(kind, "x" * 12, tmp_path)
    wide = [
        line
        for path in package.folder.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if len(line) > 100
    ]
    assert wide == []


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\\b", "Bakery", "1st", "a b", "a--b", "-a", "a_",
             "nul", "ä", "a\n", "a;b", "x" * 41]
)  # fmt: skip
def test_a_name_is_a_part_of_paths_and_of_modules(name, tmp_path):
    with pytest.raises(ConfigError, match="cannot be a"):
        write_package("domain", name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    own = tmp_path / "bakery"
    own.mkdir()
    (own / "README.md").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="exists already, and nothing is overwritten"):
        write_package("domain", "bakery", tmp_path)
    assert [path.name for path in own.iterdir()] == ["README.md"]
    assert (own / "README.md").read_text(encoding="utf-8") == "mine"


def test_a_package_that_cannot_be_written_whole_is_not_left(tmp_path, monkeypatch):
    written = []

    def full(path, text, encoding):
        written.append(path)
        if len(written) == 3:
            raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(OSError, match="No space"):
        write_package("user", "hasty", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_domain_is_played_and_audited_once_it_is_installed(workplace, capsys):
    assert main(["new", "domain", "bakery"]) == 0
    assert "pip install -e 'bakery[test]'" in capsys.readouterr().out
    with installed(workplace / "bakery"):
        assert main(["new", "domain", "bakery", "--dir", "."]) == 2
        assert "the name 'bakery' is taken by another domain" in capsys.readouterr().err
        assert main(["audit", "--domain", "bakery", "--json"]) == 0
        (report,) = json.loads(capsys.readouterr().out)
        assert (report["tasks"], report["findings"]) == (2, [])
        run = ["run", "--domain", "bakery", "--agent", "oracle_agent", "--user", "scripted_user"]
        assert main([*run, "--json"]) == 0
        assert '"average_reward": 1.0' in capsys.readouterr().out
        assert main(["intro"]) == 0
        assert "bakery             customers move and cancel" in capsys.readouterr().out
        assert DomainDocs("bakery").about == "customers move and cancel their orders"
    assert "bakery" not in registry.get_domains()


def test_a_backend_is_asked_once_it_is_installed(tmp_path):
    package = write_package("backend", "mine", tmp_path)
    with installed(package.folder):
        from tau2.plugins import UserMessage

        answer = complete("mine/any", [UserMessage(content="Hello")])
    assert "no answer yet" in answer.content


def test_a_wrong_kind_or_folder_is_said(workplace, capsys):
    assert main(["new", "shop", "x"]) == 2
    assert main(["new", "agent", "x", "--dir", "nowhere"]) == 2
    assert "nowhere is not a folder" in capsys.readouterr().err
    assert main(["new", "agent", "llm_agent"]) == 2
    assert "the name 'llm_agent' is taken by another agent" in capsys.readouterr().err


# --- what goes wrong in a package that is installed -----------------------------------------------


@pytest.fixture
def bakery(workplace):
    assert main(["new", "domain", "bakery"]) == 0
    return workplace / "bakery"


def rewrite(file, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_an_entry_point_of_another_name_says_which_line_to_change(bakery, capsys):
    rewrite(bakery / "pyproject.toml", "\nbakery = ", "\nbakers = ")
    with installed(bakery):
        assert main(["domain", "bakers"]) == 2
    error = capsys.readouterr().err
    assert "below [project.entry-points.'tau2.domains']" in error
    assert """change `bakers = "tau2_bakery:DOMAIN"` in its pyproject.toml to""" in error
    assert """\n    bakery = "tau2_bakery:DOMAIN"\n""" in error


def test_a_package_that_exports_no_spec_is_told_what_to_export(bakery, capsys):
    rewrite(bakery / "pyproject.toml", ":DOMAIN", ":get_tasks")
    with installed(bakery):
        assert main(["domain", "bakery"]) == 2
    assert "exports a function, and no DomainSpec; export one" in capsys.readouterr().err


def test_a_broken_package_is_named_and_breaks_nothing_else(bakery, capsys):
    (bakery / "tau2_bakery" / "tools.py").write_text("import flour\n", encoding="utf-8")
    with installed(bakery):
        assert main(["intro"]) == 0
        shown = capsys.readouterr().out
        problem = (
            "plug-in 'bakery' (tau2_bakery:DOMAIN of the package tau2-bakery) cannot be loaded: "
            "No module named 'flour'"
        )
        assert f"cannot be used here\n  {problem}" in shown
        assert "  mock    " in shown
        run = ["run", "--domain", "mock", "--agent", "oracle_agent", "--user", "scripted_user"]
        assert main([*run, "--num-tasks", "1", "--quiet"]) == 0
        assert main(["run", "--domain", "bakery", *run[3:]]) == 2
        assert problem in capsys.readouterr().err
        assert main(["check-data"]) == 1
        shown = capsys.readouterr().out
        assert problem in shown
        assert shown.count("cannot be loaded") == 1
        assert "bakery" not in _usable(registry.get_domains())
        assert "mock" in _usable(registry.get_domains())
        assert f"tau2 start: {problem}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise SystemExit(3)", "it ends the program when it is imported (SystemExit: 3)"),
        ("raise ValueError", "cannot be loaded: ValueError"),
        ("class DOMAIN:\n    name = 'bakery'", "exports the class DOMAIN, and no DomainSpec"),
        (
            "from tau2.plugins import AgentSpec\nDOMAIN = AgentSpec('bakery', make=print)",
            "exports an AgentSpec, and no DomainSpec",
        ),
        (
            "import tau2.plugins as p\nDOMAIN=p.DomainSpec('bakery', environment=None, tasks=list)",
            "DomainSpec 'bakery': environment has to be a function, not None",
        ),
    ],
    ids=["ends the program", "says nothing", "a class", "another spec", "a field"],
)
def test_a_package_that_is_wrong_in_any_way_is_named_and_skipped(bakery, capsys, code, words):
    (bakery / "tau2_bakery" / "__init__.py").write_text(f"{code}\n", encoding="utf-8")
    with installed(bakery):
        assert main(["intro"]) == 0
        shown = capsys.readouterr().out
        assert words in shown.partition("cannot be used here")[2]
        assert "scripted_user" in shown
        assert main(["domain", "bakery"]) == 2
        assert words in capsys.readouterr().err


def test_backends_of_packages_are_shown_and_broken_ones_are_named(workplace, capsys):
    assert main(["new", "backend", "my-model"]) == 0
    assert main(["new", "backend", "worse"]) == 0
    (workplace / "worse" / "tau2_worse" / "__init__.py").write_text("1 / 0\n", encoding="utf-8")
    with installed(workplace / "my-model"), installed(workplace / "worse"):
        assert main(["intro"]) == 0
    shown = capsys.readouterr().out
    assert "model backends of other packages\n  my-model  models named my-model/..." in shown
    assert "the model backend 'worse' (tau2_worse:BACKEND) cannot be loaded: division" in shown


def test_a_package_that_is_not_installed_yet_says_how_to_install_it(bakery, capsys):
    assert main(["audit", "--domain", "bakery"]) == 2
    assert "to install it: pip install -e bakery" in capsys.readouterr().err


def test_a_name_whose_module_is_taken_is_refused(bakery, capsys):
    with installed(bakery):
        assert main(["new", "agent", "bakery", "--dir", str(bakery)]) == 2
    assert "a package with the module tau2_bakery is installed" in capsys.readouterr().err
    assert main(["new", "backend", "openai"]) == 2
    assert "models named openai/... are reached already" in capsys.readouterr().err


def test_two_packages_of_one_name_break_nothing_else(bakery, capsys):
    rewrite(bakery / "pyproject.toml", "\nbakery = ", "\nretail = ")
    with installed(bakery):
        assert main(["intro"]) == 0
        assert "two domains are named 'retail' (one is tau2_bakery" in capsys.readouterr().out
        assert main(["domain", "mock", "--tools"]) == 0
        assert main(["domain", "retail"]) == 2
