"""`tau2 new domain --from`: what is derived from a real interface passes its own tests."""

from __future__ import annotations

import sqlite3
from unittest import SkipTest

import pytest
from tests.installed import installed
from tests.unit.scaffold.test_package import load, own_tests

from tau2.cli import main
from tau2.plugins import ToolError
from tau2.registry import registry

SHOP = """
create table customers(id integer primary key, full_name text not null, email text unique);
create table orders(
    id integer primary key,
    customer_id integer not null references customers(id),
    status text not null default 'open' check (status in ('open', 'shipped', 'cancelled')),
    total real,
    note text
);
create table "order items"(
    order_id integer references orders(id) on delete cascade,
    line integer, "class" text, primary key (order_id, line)
);
create table notes(message text, payload blob);
create view open_orders as select * from orders where status = 'open';
insert into customers values (1, 'Ada Quill', 'ada@example.com'), (2, 'Ben Okafor', null);
insert into orders values (1001, 1, 'open', 24.5, null), (1002, 2, 'shipped', 8, 'at the "door"');
insert into "order items" values (1001, 1, 'P-1'), (1001, 2, 'P-2'), (1002, 1, 'P-1');
insert into notes values ('called', x'0102');
"""


@pytest.fixture
def shop(workplace):
    with sqlite3.connect(workplace / "shop.db") as connection:
        connection.executescript(SHOP)
    connection.close()
    return workplace


def run_own_tests(folder):
    (file,) = (folder / "tests").glob("test_*.py")
    ran = 0
    for test in own_tests(load(file)).values():
        try:
            test()
        except SkipTest:  # of splits, which these domains do not have
            continue
        ran += 1
    return ran


def test_a_sqlite_database_becomes_a_domain(shop, capsys):
    before = (shop / "shop.db").read_bytes()
    assert main(["new", "domain", "bakery", "--from", "shop.db"]) == 0
    shown = capsys.readouterr().out
    assert "from shop.db: 20 tools, 4 tables, 8 records, 2 tasks" in shown
    assert "view open_orders: only tables are copied" in shown
    assert (shop / "shop.db").read_bytes() == before
    with installed(shop / "bakery"):
        assert run_own_tests(shop / "bakery") >= 13
        tools = registry.domains.get("bakery").environment().tools
        assert tools.find_orders(status="open")[0].customer_id == 1
        assert tools.get_order_item(1001, 2).class_ == "P-2"
        assert tools.create_order(customer_id=2).id == 1003
        with pytest.raises(ToolError, match="there is no customer 7"):
            tools.create_order(customer_id=7)
        with pytest.raises(ToolError, match="cannot be deleted"):
            tools.delete_customer(1)
        tools.delete_order(1001)
        assert [item.order_id for item in tools.find_order_items()] == [1002]
