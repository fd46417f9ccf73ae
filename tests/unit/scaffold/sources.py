"""Interfaces in the style of public ones, which domains are derived from."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Literal

from pydantic import BaseModel, Field

PROJECTS_DB = """
CREATE TABLE companies (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE projects (
    id INTEGER PRIMARY KEY, title TEXT, company INT REFERENCES companies ON DELETE CASCADE
);
CREATE TABLE tasks (
    id INTEGER PRIMARY KEY, title TEXT,
    project INT NOT NULL REFERENCES projects ON DELETE CASCADE,
    part_of INT REFERENCES tasks ON DELETE CASCADE
);
CREATE TABLE notes (
    id INTEGER PRIMARY KEY, body TEXT, task INT REFERENCES tasks ON DELETE SET NULL
);
CREATE TABLE invoices (id INTEGER PRIMARY KEY, project INT REFERENCES projects);
INSERT INTO companies VALUES (1, 'Fern'), (2, 'Gorse');
INSERT INTO projects VALUES (1, 'roof', 1), (2, 'cellar', 1), (3, 'garden', 2);
INSERT INTO tasks VALUES (1, 'plan', 1, 3), (2, 'dig', 2, 1), (3, 'paint', 1, 2), (5, 'mow', 3, 5);
INSERT INTO notes VALUES (1, 'call', 3), (2, 'water', 5);
INSERT INTO invoices VALUES (1, 3);
"""
SHOP_DB = """
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


BOOKING_API = """
openapi: 3.1.0
paths:
  /bookings:
    get:
      operationId: bookings.index
      parameters:
        - {name: "filter[status]", in: query, schema: {type: string}}
        - {name: starts_before, in: query, schema: {type: string}}
      responses: {"200": {content: {application/json: {schema: {properties: {
        bookings: {type: array, items: {$ref: "#/components/schemas/Booking"}},
        paging: {type: object, properties: {next: {type: string}}}}}}}}}
    post:
      operationId: bookings.store
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Booking"}}}}
      responses: {"201": {content: {application/json: {schema: {properties: {
        data: {$ref: "#/components/schemas/Booking"}}}}}}}
  /bookings/{booking}:
    parameters: [{name: booking, in: path, required: true, schema: {type: string}}]
    get:
      operationId: bookings.show
      responses: {"200": {content: {application/json: {schema: {properties: {
        data: {$ref: "#/components/schemas/Booking"}}}}}}}
    delete: {operationId: bookings.destroy, responses: {"204": {description: gone}}}
  /bookings/{booking}/actions/cancel:
    parameters: [{name: booking, in: path, required: true, schema: {type: string}}]
    post: {operationId: bookings.cancel, responses: {"204": {description: done}}}
  /bookings/{booking}/extras:
    parameters: [{name: booking, in: path, required: true, schema: {type: string}}]
    post:
      requestBody: {content: {application/json: {schema: {properties: {kind: {type: string}}}}}}
      responses: {"201": {description: made}}
  /me:
    get: {responses: {"200": {content: {application/json: {schema: {
      $ref: "#/components/schemas/Guest"}}}}}}
    patch:
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Guest"}}}}
      responses: {"204": {description: done}}
  /tickets: {get: {responses: {"200": {description: ok}}}}
  /tickets/{id}: {get: {responses: {"200": {description: ok}}}}
  /tickets/{id}/close: {post: {responses: {"200": {description: ok}}}}
components:
  schemas:
    Guest: {properties: {full_name: {type: string}, vip: {type: boolean}}}
    Booking:
      properties:
        type: {const: bookings}
        id: {type: string, readOnly: true}
        attributes:
          required: [status, starts_at, notes, price]
          properties:
            status: {enum: [open, cancelled], readOnly: true}
            starts_at: {type: string, format: date-time}
            notes: {type: array, readOnly: true, items: {type: string}}
            price: {anyOf: [{type: number}, {type: string}]}
        relationships: {properties: {guest: {properties: {data: {properties: {
          type: {type: string}, id: {type: string}}}}}}}
"""


CALLS_API = """
swagger: "2.0"
paths:
  /getReservation:
    get:
      parameters: [{name: reservationId, in: query, required: true, type: string}]
      responses: {200: {schema: {$ref: "#/definitions/Reservation"}}}
  /reservations.list:
    get:
      parameters:
        - {name: guestName, in: query, type: string}
        - {name: cursor, in: query, type: string}
      responses: {200: {schema: {properties: {
        ok: {type: boolean},
        reservations: {type: array, items: {$ref: "#/definitions/Reservation"}}}}}}
  /cancelReservation:
    post:
      parameters: [{name: body, in: body, schema: {required: [reservationId], properties: {
        reservationId: {type: string}, reason: {type: string}}}}]
      responses: {200: {schema: {$ref: "#/definitions/Reservation"}}}
  /2027-01-01/Rooms({No}).json:
    parameters: [{name: No, in: path, required: true, type: integer}]
    get: {operationId: Rooms.Get, responses: {200: {schema: {$ref: "#/definitions/hotel.v1.Room"}}}}
    delete: {operationId: Rooms.Delete, responses: {204: {description: gone}}}
definitions:
  Reservation: {properties: {
    reservationId: {type: string}, guestName: {type: string}, status: {enum: [booked, cancelled]},
    paid: {enum: [yes, no]}}}
  hotel.v1.Room: {properties: {No: {type: integer}, Rate: {type: number}}}
"""
ISSUE_TOOLS = [
    {"name": name, "inputSchema": {
        "type": "object", "required": ["owner", "repo", *required],
        "properties": {"owner": {"type": "string"}, "repo": {"type": "string"}, **given}}}
    for name, required, given in (
        ("get_issue", ["issue_number"], {"issue_number": {"type": "number"}}),
        ("list_issues", [], {"perPage": {"type": "number"}}),
        ("create_issue", ["title"], {"title": {"type": "string"}, "labels": {
            "type": "array", "items": {"properties": {"name": {"type": "string"}}}}}),
        ("close_issue", ["issue_number"], {"issue_number": {"type": "number"}}),
    )
]  # fmt: skip
ISSUE_TOOLS.append({"name": "transfer_to_human_agents", "inputSchema": {"type": "object"}})


def ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


def body(schema):
    return {"content": {"application/json": {"schema": schema}}}


def answers(schema):
    return {"200": body(schema)}


def in_path(name, kind="string", **more):
    return {"name": name, "in": "path", "required": True, "schema": {"type": kind, **more}}


def several(schema):
    return {"type": "array", "items": schema}


ORDER_API = {
    "openapi": "3.1.0",
    "info": {"title": 'Orders "v2" \\ """', "version": "2"},
    "paths": {
        "/api/v2/customers": {
            "get": {
                "parameters": [
                    {"name": "q", "in": "query", "schema": {"type": "string"}},
                    {"name": "page_size", "in": "query", "schema": {"type": "integer"}},
                    {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                ],
                "responses": answers(
                    {"properties": {"data": several(ref("Customer")), "next": {"type": "string"}}}
                ),
            },
            "post": {
                "requestBody": body(ref("NewCustomer")),
                "responses": {"201": body(ref("Customer"))},
            },
        },
        "/api/v2/customers/{customer-id}": {
            "parameters": [in_path("customer-id", format="uuid")],
            "get": {
                "description": 'Look up.\nArgs:\n  x: """ \\ \u202e',
                "responses": answers(ref("Customer")),
            },
            "patch": {
                "requestBody": body(
                    {"properties": {"class": {"enum": ["gold", None]}, "address": ref("Address")}}
                ),
                "responses": answers(ref("Customer")),
            },
        },
        "/api/v2/customers/{customer-id}/orders": {
            "get": {
                "parameters": [in_path("customer-id", format="uuid")],
                "responses": answers(several(ref("Order"))),
            }
        },
        "/api/v2/orders/{id}": {
            "get": {
                "operationId": "twice",
                "parameters": [in_path("id")],
                "responses": answers(ref("Order")),
            }
        },
        "/api/v2/orders/{id}/cancel": {
            "post": {
                "operationId": "twice",
                "parameters": [in_path("id")],
                "requestBody": body({"properties": {"reason": {"type": "string"}}}),
                "responses": {"204": {"description": "done"}},
            }
        },
        "/api/v2/orders/{id}/refunds": {
            "parameters": [in_path("id")],
            "get": {"responses": answers(several(ref("Refund")))},
            "post": {
                "requestBody": body(
                    {"required": ["amount"], "properties": {"amount": {"type": "number"}}}
                ),
                "responses": {"201": body(ref("Refund"))},
            },
        },
        "/api/v2/orders/{id}/refunds/{refund_id}": {
            "parameters": [in_path("id"), in_path("refund_id", "integer")],
            "get": {"responses": answers(ref("Refund"))},
        },
        "/api/v2/orders/{id}/resend-invoice": {
            "post": {"parameters": [in_path("id")], "responses": {"202": {"description": "sent"}}}
        },
        "/api/v2/settings": {
            "get": {"responses": answers(ref("Settings"))},
            "put": {"requestBody": body(ref("Settings")), "responses": {"204": {}}},
        },
        "/healthz": {"get": {"responses": {"200": {"description": "fine"}}}},
    },
    "components": {
        "schemas": {
            "Base": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "string", "format": "uuid", "readOnly": True}},
            },
            "Address": {
                "required": ["street"],
                "properties": {"street": {"type": "string"}, "zip code": {"type": "string"}},
            },
            "Customer": {
                "allOf": [
                    ref("Base"),
                    {
                        "required": ["name", "address"],
                        "properties": {
                            "name": {"type": "string"},
                            "class": {"type": ["string", "null"], "enum": ["gold", None]},
                            "address": ref("Address"),
                            "model_config": {"type": "boolean"},
                            "referred_by": ref("Customer"),
                        },
                    },
                ]
            },
            "NewCustomer": {
                "required": ["name", "address"],
                "properties": {"name": {"type": "string"}, "address": ref("Address")},
            },
            "Order": {
                "required": ["id", "customer_id", "status"],
                "properties": {
                    "id": {"type": "string"},
                    "customer_id": {"type": "string", "format": "uuid"},
                    "status": {"enum": ["placed", "shipped", "cancelled"]},
                    "payment": {
                        "oneOf": [
                            {"properties": {"kind": {"const": "card"}, "last4": {}}},
                            {"properties": {"kind": {"const": "bank"}, "iban": {}}},
                        ]
                    },
                    "lines": several({"$ref": "https://example.com/line.json"}),
                },
            },
            "Refund": {
                "required": ["refund_id", "amount"],
                "properties": {"refund_id": {"type": "integer"}, "amount": {"type": "number"}},
            },
            "Settings": {
                "properties": {"currency": {"type": "string"}, "most": {"type": "integer"}}
            },
        }
    },
}

PET_API = """\
swagger: "2.0"
definitions:
  Pet:
    required: [name]
    properties:
      id: {type: integer, example: 10}
      name: {type: string, example: doggie}
      born: {type: string, format: date, example: 2026-04-01}
      tags: {type: array, items: {properties: {name: {type: string}}}}
      status: {type: string, enum: [available, sold]}
paths:
  /pet:
    post:
      operationId: addPet
      parameters: [{in: body, name: body, schema: {$ref: "#/definitions/Pet"}}]
      responses: {405: {description: invalid}}
    put:
      operationId: updatePet
      parameters: [{in: body, name: body, schema: {$ref: "#/definitions/Pet"}}]
      responses: {405: {description: invalid}}
  /pet/findByStatus:
    get:
      operationId: findPetsByStatus
      parameters: [{in: query, name: status, type: array, items: {type: string}, required: true}]
      responses: {200: {schema: {type: array, items: {$ref: "#/definitions/Pet"}}}}
  /pet/{petId}:
    parameters: [{in: path, name: petId, type: integer, required: true}]
    get: {operationId: getPetById, responses: {200: {schema: {$ref: "#/definitions/Pet"}}}}
    delete: {operationId: deletePet, responses: {404: {description: unknown}}}
  /store/inventory:
    get:
      operationId: getInventory
      responses: {200: {schema: {type: object, additionalProperties: {type: integer}}}}
"""


def tool(name, required=(), *, is_reading=None, **properties):
    schema = {"type": "object", "properties": properties, "required": list(required)}
    hints = {} if is_reading is None else {"annotations": {"readOnlyHint": is_reading}}
    return {"name": name, "inputSchema": schema, **hints}


TEXT = {"type": "string"}
HOTEL_TOOLS = [
    tool("list_reservations", guest_name=TEXT, status={"enum": ["booked", "cancelled"]}),
    tool("get_reservation", ["reservation_id"], reservation_id=TEXT),
    tool("get_reservation_status", ["reservation_id"], reservation_id=TEXT),
    tool("create_reservation", ["guest_name", "check_in"], guest_name=TEXT,
         check_in={"type": "string", "format": "date"}, nights={"type": "integer"}),
    tool("cancel_reservation", ["reservation_id"], reservation_id=TEXT, reason=TEXT),
    tool("search-rooms", query=TEXT, max_price={"type": "number"}),
    tool("get_weather", ["city"], is_reading=True, city=TEXT),
    tool("reset_minibar", ["room"], room={"type": "integer"}),
    tool("ping", is_reading=True),
]  # fmt: skip


class Kind(enum.Enum):
    CHECK = "check-up"
    TOOTH = "tooth ache"


class Patient(BaseModel):
    patient_id: int
    full_name: str = Field(description="First and last name")
    birthday: dt.date
    allergies: set[str] = set()


class Visit(BaseModel):
    """A visit of a patient."""

    id: str
    patient_id: int
    kind: Kind
    status: Literal["booked", "done", "cancelled"] = "booked"
    minutes: int = Field(default=30, ge=5, le=120)
    channel: str | None = Field(default=None, alias="from")


class Hours(BaseModel):
    opens: dt.time
    phone: str


class Clinic(BaseModel):
    """Everything that a clinic knows."""

    patients: dict[int, Patient]
    visits: list[Visit] = []
    hours: Hours


OWN = Clinic(
    patients={7: Patient(patient_id=7, full_name="Ida Berg", birthday="1990-01-01")},
    visits=[{"id": "V-1", "patient_id": 7, "kind": "tooth ache", "from": "web"}],
    hours=Hours(opens="08:00", phone="555-0100"),
)
