"""Where signposts are kept, and who may see them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, MetaData, Table, Text, Uuid

from chassis.access import ACTOR_ID, Records, access_lists, by, same_person
from partners.storage.metadata import metadata

signpost = Table(
    "signpost",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("offer_id", Uuid, nullable=False),
    Column("person_id", Uuid),
    Column("case_id", Uuid),
    Column("given_by", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("given_at", DateTime(timezone=True), nullable=False),
    Column("status", Text, nullable=False),
    Column("outcome_at", DateTime(timezone=True)),
    Column("to_ask", Boolean, nullable=False),
    Index("signpost_case_id", "case_id"),
    Index("signpost_given_by", "given_by"),
)
# Who may know of him, as the picture heard it: its own table, read here and written there.
_PICTURE = MetaData(schema="picture")
_LISTS, _SAME = access_lists(_PICTURE), same_person(_PICTURE)
SIGNPOSTS = Records(
    reads=by("SM, CP, IG, PP own, EW own, PW own"),
    person=signpost.c.person_id,
    own=signpost.c.given_by == ACTOR_ID,
    lists=_LISTS,
    heard=True,
    same=_SAME,
)
