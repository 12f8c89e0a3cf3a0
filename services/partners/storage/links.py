"""Where it is kept whom a partner's reference means."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Text, Uuid, and_, text

from chassis.access import ACTOR_ORGANISATION, ACTOR_ROLE, Records, by
from partners.storage.known import SAME, access_list
from partners.storage.metadata import metadata

subject_link = Table(
    "subject_link",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("sender_node", Text, nullable=False),
    Column("subject_ref", Text, nullable=False),
    Column("own_org", Text, nullable=False),
    Column("minted_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("about", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("goes_by", Text, nullable=False),
    Column("by_house", Boolean, nullable=False),
    Index("subject_link_reference", "sender_node", "subject_ref", unique=True),
    Index("subject_link_person", "person_id"),
    Index("subject_link_goes_by", "sender_node", "goes_by", postgresql_where=text("goes_by <> ''")),
)
LINKS = Records(
    reads=by("SM, PA, IG, PW own"),
    person=subject_link.c.person_id,
    own=and_(ACTOR_ROLE.in_(["PW"]), subject_link.c.own_org == ACTOR_ORGANISATION),
    lists=access_list,
    heard=True,
    same=SAME,
)
