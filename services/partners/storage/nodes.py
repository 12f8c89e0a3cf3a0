"""Where nodes are kept, and when each was last heard; what others of this service ask of them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Table, Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert

from chassis.aggregate import Denied
from chassis.database import statement
from chassis.shares import Sender
from partners.storage.metadata import metadata

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncpg import Record

    from chassis.database import Connection

node = Table(
    "node",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("node_id", Text, nullable=False),
    Column("org_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("keys", JSONB, nullable=False),
    Column("rpc_address", Text, nullable=False),
    Column("authority", Text, nullable=False),
    Column("schema_versions", JSONB, nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    Column("knows_us", Boolean, nullable=False, server_default=text("false")),
    Index("node_node_id", "node_id", unique=True),
    Index("node_org_id", "org_id", unique=True, postgresql_where=text("status <> 'RETIRED'")),
)
heartbeat = Table(
    "heartbeat",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("node_id", Text, nullable=False),
    Column("beaten_at", DateTime(timezone=True), nullable=False),
    Column("listening_since", DateTime(timezone=True), nullable=False),
    Index("heartbeat_node_id", "node_id", unique=True),
)
node_heard = Table(
    "node_heard",
    metadata,
    Column("node_id", Text, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
)
_NODE_ID = bindparam("node_id", type_=Text)
_AT = bindparam("at", type_=DateTime(timezone=True))
_HEARD = insert(node_heard).values(node_id=_NODE_ID, at=_AT)
REMEMBER_HEARD = statement(_HEARD.on_conflict_do_update(index_elements=["node_id"], set_={"at": _HEARD.excluded.at}))
LAST_HEARD = statement(select(node_heard.c.at).where(node_heard.c.node_id == _NODE_ID))
ALL_HEARD = statement(select(node_heard.c.node_id, node_heard.c.at))
HOLDER_OF_KEY = statement(select(node.c.node_id).where(node.c["keys"].contains(bindparam("key", type_=JSONB))))
NODE_OF = statement(
    select(node.c.node_id).where(node.c.org_id == bindparam("org_id", type_=Text), node.c.status != "RETIRED")
)
NODE = statement(node.select().where(node.c.node_id == _NODE_ID))
_STANDING = statement(select(node.c.node_id, node.c["keys"], node.c.status).where(node.c.status != "RETIRED"))


async def trust(conn: Connection) -> Mapping[str, Sender]:
    """Whom this house believes, under which keys; a retired node nobody believes."""
    return {row["node_id"]: _sender(row) for row in await _STANDING.all(conn)}


def _sender(row: Record) -> Sender:
    keys = tuple((key["key_id"], bytes.fromhex(key["public_key"]), _instant(key["taken_until"])) for key in row["keys"])
    return Sender(keys=keys, suspended=row["status"] == "SUSPENDED")


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


async def must_be_believed(conn: Connection, node_id: str, authority: str) -> Record:
    """The node that calls, as registered. Raises Denied where it is not, is suspended, or comes under a certificate of
    another authority: any trusted one could issue its name."""
    row = await NODE.one(conn, node_id=node_id)
    if row is None or row["status"] == "RETIRED":
        raise Denied("unknown_node", "This node is not registered here. Ask the house's operator.")
    if authority != row["authority"]:
        raise Denied("unknown_authority", "This node's certificate is of another authority than was registered.")
    if row["status"] == "SUSPENDED":
        raise Denied("node_suspended", "This node is suspended here. Ask the house's operator.")
    return row


async def node_of(conn: Connection, org_id: str) -> str | None:
    """The node of an organisation, where it has one."""
    found: str | None = await NODE_OF.value(conn, org_id=org_id)
    return found


async def organisation_of(conn: Connection, node_id: str) -> str | None:
    """Whose node it is, where it is registered and not retired."""
    row = await NODE.one(conn, node_id=node_id)
    return None if row is None or row["status"] == "RETIRED" else row["org_id"]


async def reads(conn: Connection, node_id: str, package: str) -> bool:
    """Whether a node reads a package of contracts: a later major version is told only to one that does."""
    row = await NODE.one(conn, node_id=node_id)
    return row is not None and row["status"] != "RETIRED" and package in row["schema_versions"]


async def last_heard(conn: Connection) -> Mapping[str, datetime]:
    """When each node was last heard."""
    return {row["node_id"]: row["at"] for row in await ALL_HEARD.all(conn)}
