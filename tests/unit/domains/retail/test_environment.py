"""The retail world: where its data comes from, and that episodes do not see one another."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tau2.domains import retail
from tau2.domains.retail import utils
from tau2.domains.retail.environment import get_environment, get_tasks, get_tasks_split

HOME = {
    "address1": "9 Oak Road",
    "address2": "",
    "city": "Boise",
    "state": "ID",
    "country": "USA",
    "zip": "83702",
}


def test_importing_the_domain_loads_nothing_heavy():
    code = (
        "import sys, tau2.domains.retail as r; "
        "assert 'pydantic' not in sys.modules; print(r.DOMAIN.name)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "retail"


def test_the_domain_names_its_parts():
    assert retail.DOMAIN.environment is get_environment
    assert not retail.DOMAIN.supports_solo
    with pytest.raises(AttributeError):
        retail.NOTHING  # noqa: B018


def test_there_is_no_solo_mode():
    with pytest.raises(ValueError, match="Retail domain does not support solo mode"):
        get_environment(solo_mode=True)


def test_paths_follow_the_data_directory(monkeypatch, tmp_path):
    assert utils.RETAIL_DB_PATH.is_file()
    monkeypatch.setenv("TAU2_DATA_DIR", str(tmp_path))
    assert tmp_path / "tau2" / "domains" / "retail" / "policy.md" == utils.RETAIL_POLICY_PATH
    assert tmp_path / "tau2" / "domains" / "retail" == utils.RETAIL_DATA_DIR
    with pytest.raises(AttributeError):
        utils.RETAIL_NOTHING  # noqa: B018


def test_a_foreign_data_directory_is_read_strictly(monkeypatch, tmp_path):
    folder = tmp_path / "tau2" / "domains" / "retail"
    folder.mkdir(parents=True)
    (folder / "policy.md").write_text("be kind")
    (folder / "db.json").write_text('{"products": {}, "users": {}, "orders": {}}')
    monkeypatch.setenv("TAU2_DATA_DIR", str(tmp_path))
    env = get_environment()
    assert env.policy == "be kind"
    assert env.strict_compat
    assert env.tools.strict_compat


def test_environments_of_one_world_know_it(db):
    first, second = get_environment(), get_environment()
    assert first.world_id is not None
    assert first.world_id == second.world_id
    assert get_environment(db).world_id is None


def test_episodes_are_isolated():
    first, second = get_environment(), get_environment()
    before = first.get_db_hash()
    user_id = next(iter(first.tools.db.users))
    first.use_tool("modify_user_address", user_id=user_id, **HOME)
    assert first.get_db_hash() != before
    assert second.get_db_hash() == before
    assert get_environment().get_db_hash() == before


def test_forks_are_isolated_and_keep_what_happened():
    parent = get_environment()
    user_id = next(iter(parent.tools.db.users))
    parent.use_tool("modify_user_address", user_id=user_id, **HOME)
    child = parent.fork()
    assert child.get_db_hash() == parent.get_db_hash()
    child.use_tool("modify_user_address", user_id=user_id, **{**HOME, "city": "Nampa"})
    assert child.get_db_hash() != parent.get_db_hash()


def test_reading_changes_no_hash():
    env = get_environment()
    before = env.get_db_hash()
    user = next(user for user in env.tools.db.users.values() if user.orders)
    env.use_tool("get_user_details", user_id=user.user_id)
    env.use_tool("get_order_details", order_id=user.orders[0])
    env.use_tool("find_user_id_by_email", email=user.email)
    assert env.get_db_hash() == before


def test_tools_are_described_for_models():
    tools = {tool.name: tool for tool in get_environment().get_tools()}
    assert len(tools) == 16
    for tool in tools.values():
        assert tool.short_desc
        for name, field in tool.params.model_fields.items():
            assert field.description, f"{tool.name}.{name} is not described"


def test_splits_select_tasks():
    splits = get_tasks_split()
    assert [task.id for task in get_tasks("test")] == splits["test"]
    assert len(get_tasks()) == len(splits["base"])
    assert len(get_tasks(None)) == len(splits["base"]) + len(splits["test_new"])
    with pytest.raises(ValueError, match="task split"):
        get_tasks("tset")
