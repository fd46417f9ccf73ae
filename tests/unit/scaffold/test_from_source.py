"""`tau2 new domain --from`: what is derived from a real interface passes its own tests."""

from __future__ import annotations

import ast
import json
import sqlite3
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from unittest import SkipTest

import pytest
from tests.installed import installed
from tests.unit.scaffold import sources
from tests.unit.scaffold.test_package import load, own_tests

from tau2.cli import main
from tau2.plugins import ConfigError, ToolError
from tau2.registry import registry
from tau2.scaffold.sources.kinds import read_source
from tau2.scaffold.sources.mcp_server import read_server
from tau2.scaffold.sources.mcp_tools import read_tools
from tau2.scaffold.sources.openapi import read_openapi
from tau2.scaffold.sources.sqlite import read_sqlite

MODELS = "tests.unit.scaffold.sources"


@pytest.fixture
def shop(workplace):
    with sqlite3.connect(workplace / "shop.db") as connection:
        connection.executescript(sources.SHOP_DB)
    connection.close()
    return workplace


def write(name, content):
    text = content if isinstance(content, str) else json.dumps(content)
    Path(name).write_text(text, encoding="utf-8")


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


@contextmanager
def derived(source, workplace):
    """Derive a domain, run its own tests, and yield its tools."""
    assert main(["new", "domain", "made", "--from", source]) == 0
    for path in (workplace / "made").rglob("*.py"):
        code = path.read_text(encoding="utf-8")
        ast.parse(code)
        assert max(map(len, code.splitlines())) <= 100
    with installed(workplace / "made"):
        assert run_own_tests(workplace / "made") >= 12
        yield registry.domains.get("made").environment().tools


def test_a_sqlite_database(shop, capsys):
    before = (shop / "shop.db").read_bytes()
    with derived("shop.db", shop) as tools:
        shown = capsys.readouterr().out
        assert "from shop.db: 20 tools, 4 tables, 8 records, 2 tasks" in shown
        assert "view open_orders: only tables are copied" in shown
        assert tools.find_orders(status="open")[0].customer_id == 1
        assert tools.get_order_item(1001, 2).class_ == "P-2"
        assert tools.create_order(customer_id=2).id == 1003
        with pytest.raises(ToolError, match="there is no customer 7"):
            tools.create_order(customer_id=7)
        with pytest.raises(ToolError, match="cannot be deleted"):
            tools.delete_customer(1)
        tools.delete_order(1001)
        assert [item.order_id for item in tools.find_order_items()] == [1002]
    assert (shop / "shop.db").read_bytes() == before


def test_an_api_with_nested_paths_and_schemas(workplace, capsys):
    write("orders.json", sources.ORDER_API)
    with derived("orders.json", workplace) as tools:
        shown = capsys.readouterr().out
        assert "13 tools, 3 tables, 12 records (made up), 2 tasks" in shown
        assert "only noted in the database, as nothing else follows: resend_order_invoice" in shown
        assert "GET /healthz" in shown
        order = tools.list_customer_orders(tools.list_customers()[0].id)[0]
        assert tools.cancel_order(order.id, reason="moved").status == "cancelled"
        assert tools.get_order(order.id).reason == "moved"
        refund = tools.create_order_refund(order.id, 5.0)
        assert tools.get_order_refund(order.id, refund.refund_id) == refund
        with pytest.raises(ToolError, match="there is no order X"):
            tools.create_order_refund("X", 5.0)
        customer = tools.list_customers(page_size=1)[0]
        assert tools.update_customer(customer.id, class_="gold").class_ == "gold"
        assert tools.create_customer("Zoe", {"street": "1 Elm"}).address.street == "1 Elm"
        assert tools.update_settings(currency="NOK").currency == "NOK"
        assert tools.resend_order_invoice(order.id).number == 1
        assert set(tools.db.events) == {"1"}


def test_an_api_of_swagger_2_with_ids(workplace):
    write("pets.yaml", sources.PET_API)
    with derived("pets.yaml", workplace) as tools:
        pet = tools.getPetById(1001)
        assert (pet.name, pet.born) == ("doggie", "2026-04-01")
        assert tools.updatePet(1001, status="sold").status == "sold"
        assert pet.id not in [one.id for one in tools.findPetsByStatus(["available"])]
        assert tools.addPet("Rex").id == 1005
        tools.deletePet(1005)
        with pytest.raises(ToolError, match="there is no pet 1005"):
            tools.getPetById(1005)
        assert list(tools.getInventory()) == ["first", "second"]


def check_hotel(tools):
    made = tools.create_reservation("Zoe Lind", "2027-04-01")
    assert made in tools.list_reservations(guest_name="zoe lind")
    assert tools.cancel_reservation(made.reservation_id).status == "cancelled"
    assert tools.get_reservation_status(made.reservation_id).status == "cancelled"
    dear = max(room.price for room in tools.search_rooms())
    assert dear not in [room.price for room in tools.search_rooms(max_price=dear - 0.01)]
    assert tools.get_weather("Oslo").details
    assert tools.reset_minibar(room=12).arguments == {"room": 12}


def test_the_tools_of_an_mcp_server(workplace, capsys):
    write("tools.json", {"jsonrpc": "2.0", "id": 2, "result": {"tools": sources.HOTEL_TOOLS}})
    with derived("tools.json", workplace) as tools:
        shown = capsys.readouterr().out
        assert "An MCP server tells nothing of its data" in shown
        assert "  tool ping: what it returns does not follow from records" in shown
        check_hotel(tools)


def test_a_pydantic_model(workplace):
    with derived(f"{MODELS}:Clinic", workplace) as tools:
        visit = tools.find_visits()[0]
        assert tools.get_patient(visit.patient_id).full_name
        assert tools.create_visit(visit.patient_id, "tooth ache").status == "booked"
        with pytest.raises(ToolError, match="kind"):
            tools.create_visit(visit.patient_id, "walk")
        assert tools.update_hours(phone="555-0199").phone == "555-0199"


def test_an_instance_of_a_model_gives_its_records(workplace, capsys):
    assert main(["new", "domain", "made", "--from", f"{MODELS}:OWN"]) == 0
    assert "2 tables, 2 records, 2 tasks" in capsys.readouterr().out
    db = json.loads((workplace / "made" / "tau2_made" / "db.json").read_text(encoding="utf-8"))
    assert db["patients"]["7"]["full_name"] == "Ida Berg"
    assert db["visits"]["V-1"]["from_"] == "web"
    assert db["hours"]["phone"] == "555-0100"


STUB = """\
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if asked["method"] == "initialize":
        version = asked["params"]["protocolVersion"]
        result = {"protocolVersion": version, "capabilities": {"tools": {}},
                  "serverInfo": {"name": "hotel", "version": "1"}}
    elif asked["method"] == "tools/list":
        result = {"tools": json.load(open("tools.json"))}
    elif "id" in asked:
        error = {"code": -32601, "message": "unknown"}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "error": error}), flush=True)
        continue
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""


def test_an_mcp_server_that_is_started(workplace):
    pytest.importorskip("mcp", reason="needs the extra mcp")
    write("tools.json", sources.HOTEL_TOOLS)
    write("server.py", STUB)
    assert main(["new", "domain", "made", "--from", f"mcp:{sys.executable} server.py"]) == 0


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("nowhere.db", "there is no file 'nowhere.db'; --from takes a SQLite database"),
        ("http://example.com/openapi.yaml", "download an OpenAPI document first"),
        ("empty.yaml", "holds no object"),
        ("other.json", "has neither `paths`"),
        ("bomb.yaml", "holds too much"),
        ("note.txt", "is of no kind that is known"),
        ("no_such_module:Model", "there is no module 'no_such_module'"),
        (f"{MODELS}:Nothing", "it has Clinic, Hours, OWN, Patient, Visit"),
        (f"{MODELS}:Kind", "is no pydantic model"),
        ("mcp:", "write a command or an address behind mcp:"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(source, error, workplace, capsys):
    write("empty.yaml", "")
    write("other.json", {"openapi": "3.0.0"})
    write("note.txt", "hello")
    lines = [
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 10)}]" for n in range(7)
    ]
    write("bomb.yaml", "\n".join(["a: &a [x]", *lines]))
    before = set(workplace.iterdir())
    assert main(["new", "domain", "made", "--from", source]) == 2
    shown = capsys.readouterr()
    assert error in shown.err
    assert "Traceback" not in shown.err
    assert set(workplace.iterdir()) == before


def test_texts_of_a_stranger_stay_texts(workplace):
    evil = '"""\nimport os\n{{ 7 * 7 }} {% raw %} \\'
    operation = {
        "operationId": "__import__('os').system('x')",
        "summary": evil,
        "parameters": [{**in_path('a"b', enum=['"""', "'", "\\", "{{x}}", "\u2028", "a\nb"]),
                        "description": f"{evil}\nReturns:\n x"}],
        "responses": sources.answers({
            "title": evil,
            "properties": {name: {"type": "string", "description": evil} for name in
                           ('a"b', "__class__", "None", "", "1st", "x\ny", "import", "größe")},
        }),
    }  # fmt: skip
    write("evil.json", {"paths": {'/x\'"\\`\n/{a"b}': {"get": operation}}})
    assert main(["new", "domain", "made", "--from", "evil.json"]) == 0
    for path in (workplace / "made").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert "os" not in [alias.name for node in ast.walk(tree)
                            if isinstance(node, ast.Import) for alias in node.names]  # fmt: skip


def in_path(name, **schema):
    return sources.in_path(name, **schema)


def test_a_name_of_another_kind_has_no_source(workplace, capsys):
    assert main(["new", "agent", "made", "--from", "shop.db"]) == 2
    assert "--from is for domains" in capsys.readouterr().err


def test_a_database_that_is_in_use_stays_alone_in_its_folder(workplace):
    connection = sqlite3.connect(workplace / "used.db")
    connection.executescript("pragma journal_mode = wal; create table items(name, sold boolean);")
    connection.execute("insert into items values ('lamp', 1), ('desk', 0)")
    connection.commit()
    assert read_sqlite(workplace / "used.db").tables[0].rows[0]["sold"] is True
    connection.close()
    before = set(workplace.iterdir())
    assert len(read_sqlite(workplace / "used.db").tables[0].rows) == 2
    assert set(workplace.iterdir()) == before


def test_arguments_of_a_server_are_not_written(workplace):
    pytest.importorskip("mcp", reason="needs the extra mcp")
    with pytest.raises(ConfigError, match="MCP server nowhere did not list its tools") as raised:
        read_server("nowhere --api-key sk-secret")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("name", ["mappings", "base_model", "type_var", "r", "validation_errors"])
def test_a_table_called_like_something_that_the_code_imports(workplace, name):
    with sqlite3.connect(workplace / "a.db") as connection:
        connection.executescript(
            f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, note TEXT);"
            f"INSERT INTO {name} VALUES (1, 'a'), (2, 'b');"
        )
    connection.close()
    with derived("a.db", workplace) as tools:
        find = next(tool for key, tool in tools.get_tools().items() if key.startswith("find"))
        assert [record.id for record in find()] == [1, 2]


@pytest.mark.parametrize("form", ["one", "list", "map"])
def test_a_long_choice_is_wrapped_wherever_it_stands(workplace, form):
    choice = {"type": "string", "enum": [f"number {number} of ]many" for number in range(20)]}
    schema = {
        "one": choice,
        "list": {"type": "array", "items": choice},
        "map": {"type": "object", "additionalProperties": choice, "description": "Labels"},
    }[form]
    order = {"type": "object", "required": ["id"],
             "properties": {"id": {"type": "string"}, "labels": schema}}  # fmt: skip
    content = {"content": {"application/json": {"schema": order}}}
    answer = {"responses": {"200": content}}
    paths = {
        "/orders": {"post": {"requestBody": content, **answer}},
        "/orders/{id}": {"get": answer, "put": {"requestBody": content, **answer}},
    }
    write("a.json", {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths})
    with derived("a.json", workplace) as tools:
        value = {"one": "number 3 of ]many", "list": ["number 3 of ]many"],
                 "map": {"x": "number 3 of ]many"}}[form]  # fmt: skip
        assert tools.create_order("A-1", labels=value).labels == value
        with pytest.raises(ToolError, match="labels"):
            tools.create_order("A-2", labels={"one": "", "list": [""], "map": {"x": ""}}[form])


def test_numbers_that_code_and_json_have_no_form_for(workplace):
    properties = (
        "{amount: {type: number, default: .inf, minimum: -.inf, example: .nan}, "
        f"count: {{type: integer, default: 0x{'f' * 9000}}}, "
        f"size: {{enum: [0x{'f' * 9000}]}}, other: {{type: integer, minimum: .inf}}}}"
    )
    look = "{type: object, required: [order_id], properties: {order_id: {type: string}}}"
    tools = {"create_order": f"{{type: object, properties: {properties}}}", "get_order": look}
    listed = [f"{{name: {name}, inputSchema: {schema}}}" for name, schema in tools.items()]
    write("a.yaml", f"tools: [{', '.join(listed)}]\n")
    with derived("a.yaml", workplace) as tools:
        assert tools.create_order(amount=2.5).amount == 2.5


def test_views_are_never_executed_even_when_called_like_functions_of_sqlite(workplace):
    forever = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x"
    with sqlite3.connect(workplace / "a.db") as connection:
        connection.executescript(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT);"
            f"CREATE VIEW forever AS {forever} FROM r;"
            "CREATE TABLE pragma_table_list (name TEXT PRIMARY KEY, type, wr, schema);"
            "INSERT INTO pragma_table_list VALUES ('forever', 'table', 0, 'main');"
            f"CREATE VIEW pragma_table_xinfo AS {forever}, 2, 3, 4, 5, 6, 7 FROM r;"
        )
    connection.close()
    interface = read_sqlite(workplace / "a.db")
    assert [table.name for table in interface.tables] == ["pragma_table_list", "t"]
    assert len(interface.left_out) == 2


def test_rows_without_a_key_are_counted_in_one_note(workplace):
    with sqlite3.connect(workplace / "a.db") as connection:
        connection.execute("CREATE TABLE t (id BLOB PRIMARY KEY, note TEXT)")
        rows = [(bytes([number, 0]), "a") for number in range(40)]
        connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
    connection.close()
    interface = read_sqlite(workplace / "a.db")
    assert interface.notes == ["Rows of t without a key of their own are left out: 39."]


def test_an_instance_with_values_that_json_has_no_form_for(workplace, capsys):
    write(
        "with_infinity.py",
        "from pydantic import BaseModel\n\n"
        "class Price(BaseModel):\n    id: str\n    amount: float\n\n"
        "PRICE = Price(id='P-1', amount=float('inf'))\n",
    )
    assert main(["new", "domain", "made", "--from", "with_infinity:PRICE"]) == 2
    assert "amount: inf is not a number that JSON has" in capsys.readouterr().err
    assert not Path("made").exists()


def test_a_column_called_like_a_variable_of_the_tools(workplace):
    with sqlite3.connect(workplace / "a.db") as connection:
        connection.executescript(
            "CREATE TABLE songs (id INTEGER PRIMARY KEY, record TEXT, wanted TEXT);"
            "INSERT INTO songs VALUES (1, 'first', 'a'), (2, 'second', 'b');"
        )
    connection.close()
    with derived("a.db", workplace) as tools:
        assert tools.update_song(1, record_="third").record == "third"
        assert [song.id for song in tools.find_songs(record_="second", wanted="b")] == [2]


def test_what_goes_with_a_deleted_row_is_followed_to_the_end(workplace):
    with sqlite3.connect(workplace / "a.db") as connection:
        connection.executescript(sources.PROJECTS_DB)
    connection.close()
    with derived("a.db", workplace) as tools:
        with pytest.raises(ToolError, match="cannot be deleted: 1 of invoices still needs it"):
            tools.delete_company(2)
        assert len(tools.find_projects()) == 3  # nothing was deleted on the way
        tools.delete_company(1)
        assert [one.id for one in tools.find_projects()] == [3]
        assert [one.id for one in tools.find_tasks()] == [5]
        assert [one.task for one in tools.find_notes()] == [None, 5]


def test_keys_of_several_parts_stay_apart(workplace):
    with sqlite3.connect(workplace / "a.db") as connection:
        connection.executescript(
            "CREATE TABLE files (folder TEXT, name TEXT, size INT, PRIMARY KEY (folder, name));"
            "INSERT INTO files VALUES ('a/b', 'c', 1), ('a', 'b/c', 2), ('a~1b', 'c', 3);"
        )
    connection.close()
    with derived("a.db", workplace) as tools:
        assert [tools.get_file("a/b", "c").size, tools.get_file("a", "b/c").size] == [1, 2]
        assert tools.create_file("a~0b", "c").size is None
        tools.delete_file("a~1b", "c")
        assert len(tools.find_files()) == 3


@pytest.mark.parametrize(
    ("source", "patterns", "tools"),
    [
        ("orders.json", ["/customers*"], 5),
        ("orders.json", ["get /settings", "Cancel.*"], 2),
        ("tools.json", ["*_reservation*"], 5),
        ("shop.db", ["CUSTOMERS"], 5),
        (f"{MODELS}:Clinic", ["hours"], 2),
    ],
)
def test_a_part_of_a_source(source, patterns, tools, shop):
    write("orders.json", sources.ORDER_API)
    write("tools.json", sources.HOTEL_TOOLS)
    assert len(read_source(source, patterns).tools) == tools


def test_a_pattern_that_fits_nothing_names_what_there_is(shop, capsys):
    assert main(["new", "domain", "made", "--from", "shop.db", "--only", "order.x"]) == 2
    shown = capsys.readouterr().err
    assert "--only 'order.x' fits nothing in shop.db; there is orders, customers, notes" in shown


@pytest.mark.parametrize("header", ["Bearer", ": x", "A b: c", "Authorization:", "A: x\ny"])
def test_a_header_that_is_none_is_not_shown(header, workplace, capsys):
    assert main(["new", "domain", "made", "--from", "mcp:http://x", "--header", header]) == 2
    assert capsys.readouterr().err == (
        "tau2 new: write --header as 'Name: value', such as 'Authorization: Bearer x'\n"
    )


def test_a_large_interface_is_read_in_time_that_grows_with_it(workplace):
    fields = {f"field_{number}": {"type": "string"} for number in range(50)}
    answer = sources.answers({"properties": {"id": {"type": "string"}, **fields}})
    paths = {f"/thing{n}s/{{id}}": {"get": {"responses": answer}} for n in range(130)}
    before = time.process_time()
    interface = read_openapi({"paths": paths}, "large.json")
    assert time.process_time() - before < 4
    assert interface.notes == [
        "Of 130 tools, 127 were taken, as models accept 128: say which with --only"
    ]


def test_an_api_whose_records_are_wrapped(workplace):
    write("bookings.yaml", sources.BOOKING_API)
    with derived("bookings.yaml", workplace) as tools:
        made = tools.bookings_store("2027-04-01T10:00:00Z", price=12.5, guest_id="G-7")
        assert (made.status, made.notes, made.price) == ("open", [], 12.5)
        assert made in tools.bookings_index(filter_status="open")
        assert made not in tools.bookings_index(starts_before="2027-03-31")
        assert tools.bookings_cancel(made.id).status == "cancelled"
        tools.bookings_destroy(made.id)
        with pytest.raises(ToolError, match=f"there is no booking {made.id}"):
            tools.bookings_show(made.id)
        booking = tools.bookings_index()[0].id
        assert tools.create_booking_extra(booking, "parking").booking == booking
        with pytest.raises(ToolError, match="it cannot be deleted"):
            tools.bookings_destroy(booking)
        assert tools.update_me("Zoe Lind").full_name == tools.get_me().full_name == "Zoe Lind"
        assert tools.close_ticket(tools.list_tickets()[0].ticket_id).status == "closed"


def test_a_model_whose_records_hold_texts_under_a_common_name(workplace):
    lines = ["from pydantic import BaseModel", "class Basket(BaseModel):",
             "    items: list[str]", "    flights: int", "    order_id: str"]  # fmt: skip
    write("basket_of.py", "\n".join(lines))
    with derived("basket_of:Basket", workplace) as tools:
        assert tools.find_baskets()[0].items


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("X: 'Nowhere'", "`Model` is not fully defined"),
        ("x: type", "has no JSON schema: Cannot generate a JsonSchema"),
        ("...\nraise SystemExit(3)", "cannot be imported: it ends the program"),
        ("...\nfrom pydantic import v1\nclass Model(v1.BaseModel):\n    x: int", "of pydantic 1"),
    ],
)
def test_a_model_that_cannot_be_read(code, error, workplace, capsys):
    name = f"unreadable_{abs(hash(error))}"
    write(f"{name}.py", f"from pydantic import BaseModel\nclass Model(BaseModel):\n    {code}\n")
    assert main(["new", "domain", "made", "--from", f"{name}:Model"]) == 2
    shown = capsys.readouterr().err
    assert error in shown
    assert shown.count("\n") == 1


def test_tools_whose_names_all_begin_with_the_name_of_the_server():
    path = {"type": "object", "required": ["path"], "properties": {"path": {"type": "string"}}}
    names = ("git_create_branch", "git_list_branches", "git_add")
    interface = read_tools({"tools": [{"name": n, "inputSchema": path} for n in names]}, "git")
    assert [tool.kind for tool in interface.tools] == ["create", "find", "event"]
    assert [table.name for table in interface.tables] == ["branches"]


def test_tools_of_which_no_task_follows(workplace):
    schema = {"type": "object", "required": ["x"], "properties": {"x": {"type": "object"}}}
    write("tools.json", [{"name": "calibrate", "inputSchema": schema}])
    with derived("tools.json", workplace):
        tasks = registry.domains.get("made").tasks()
        assert [task.id for task in tasks] == ["hand_over"]


def test_an_api_whose_paths_say_what_is_done(workplace, capsys):
    write("calls.yaml", sources.CALLS_API)
    with derived("calls.yaml", workplace) as tools:
        assert "not in the tools: cursor" in capsys.readouterr().out
        held = tools.reservations_list()[0]
        assert tools.cancel_reservation(held.reservationId, reason="ill").status == "cancelled"
        held = tools.get_reservation(held.reservationId)
        assert (held.reason, held.paid) == ("ill", "yes")
        room = tools.rooms_get(1001)
        assert (type(room).__name__, room.no, room.rate > 0) == ("Room", 1001, True)
        tools.rooms_delete(1001)


def test_tools_whose_records_are_named_within_others(workplace):
    write("issues.json", sources.ISSUE_TOOLS)
    with derived("issues.json", workplace) as tools:
        made = tools.create_issue("ada", "sums", "wrong", labels=[{"name": "bug"}])
        assert tools.get_issue("ada", "sums", made.issue_number) == made
        assert type(made.labels[0]).__name__ == "CreateIssueLabel"
        assert tools.close_issue("ada", "sums", made.issue_number).status == "closed"
        with pytest.raises(ToolError, match="there is no issue"):
            tools.get_issue("ada", "other", made.issue_number)
        assert tools.list_issues("ada", "sums") == [made]
        assert tools.transfer_to_human_agents("asks for a person") == "Transfer successful"


def test_keys_of_several_kinds_find_their_rows(workplace):
    with sqlite3.connect(workplace / "a.db") as connection:
        connection.executescript(
            "CREATE TABLE rates (step NUMERIC PRIMARY KEY, name TEXT);"
            "INSERT INTO rates VALUES (1, 'whole'), (2.5, 'half');"
            "CREATE TABLE tags (key PRIMARY KEY, size INT CHECK (size IN (1, 2)));"
            "INSERT INTO tags VALUES (1, 1), ('1', 2), ('x', 2);"
        )
    connection.close()
    with derived("a.db", workplace) as tools:
        assert [tools.get_rate(step).name for step in (1.0, 2.5)] == ["whole", "half"]
        assert [tools.get_tag(key).size for key in ("1", "x")] == [1, 2]
        with pytest.raises(ToolError, match="size"):
            tools.create_tag("y", size=3)


def test_keys_of_a_dictionary_are_kept(workplace):
    lines = ["from pydantic import BaseModel", "class Rate(BaseModel):", "    percent: float",
             "class Rates(BaseModel):", "    by_name: dict[str, Rate]",
             "RATES = Rates(by_name={'gold': Rate(percent=3), 'b': Rate(percent=1)})"]  # fmt: skip
    write("rates_of.py", "\n".join(lines))
    with derived("rates_of:RATES", workplace) as tools:
        assert tools.get_by_name("gold").percent == 3
        assert tools.create_by_name("new", 2.5).id == "new"


def test_one_very_large_schema_does_not_cost_the_others_their_fields(workplace):
    parts = {f"part_{number}": sources.ref("Large") for number in range(40)}
    leaves = {f"leaf_{number}": {"properties": parts} for number in range(9)}
    twigs = {f"twig_{number}": {"properties": leaves} for number in range(9)}
    key = {"id": {"type": "string"}}
    schemas = {
        "Large": {"properties": {**key, **twigs}},
        "Last": {"properties": {**key, "note": {}}},
    }
    answers = {name: sources.answers(sources.ref(name)) for name in schemas}
    paths = {f"/{name.lower()}s/{{id}}": {"get": {"responses": answers[name]}} for name in answers}
    interface = read_openapi({"paths": paths, "components": {"schemas": schemas}}, "large.json")
    large, last = interface.tables
    assert [member.shape.kind for member in large.record.members] == ["text", *["record"] * 9]
    assert [member.name for member in last.record.members] == ["id", "note"]
