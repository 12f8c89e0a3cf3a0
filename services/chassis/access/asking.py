"""What a statement is told of who asks, and in whose house."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import DateTime, Text, bindparam

if TYPE_CHECKING:
    from chassis.access.roles import Actor

# What a statement is told of who asks, and in whose house; `asking(actor, now, house)` gives the values.
ACTOR_ID = bindparam("actor_id", type_=Text)
ACTOR_ROLE = bindparam("actor_role", type_=Text)
ACTOR_ORGANISATION = bindparam("actor_organisation", type_=Text)
HOUSE = bindparam("house", type_=Text)
NOW = bindparam("now", type_=DateTime(timezone=True))


def asking(actor: Actor, now: object, house: str) -> dict[str, object]:
    """The parameters of every statement that holds `visible_to`."""
    return {
        "actor_id": actor.id,
        "actor_role": actor.role.value,
        "actor_organisation": actor.organisation,
        "house": house,
        "now": now,
    }
