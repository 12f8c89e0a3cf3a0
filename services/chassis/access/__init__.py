"""Who may do and see what, and what may be known elsewhere: one policy for every door; fails closed.

`roles` says who acts, `seeing` which records exist for him, `deciding` what may be known by another organisation.
"""

from chassis.access.codes import Category, Confidentiality, GateRefusal, LawfulBasis, Regime, Statute
from chassis.access.deciding import (
    Agreement,
    Asked,
    Consent,
    Ground,
    Known,
    Rest,
    Terms,
    Verdict,
    decide,
    decide_all,
    newest,
)
from chassis.access.roles import Actor, Call, Grants, Purpose, Reach, Role, by, system
from chassis.access.seeing import (
    ACTOR_ID,
    ACTOR_ORGANISATION,
    ACTOR_ROLE,
    HOUSE,
    NOW,
    Records,
    access_lists,
    asking,
    reached_by,
    visible_to,
)

__all__ = [
    "ACTOR_ID",
    "ACTOR_ORGANISATION",
    "ACTOR_ROLE",
    "HOUSE",
    "NOW",
    "Actor",
    "Agreement",
    "Asked",
    "Call",
    "Category",
    "Confidentiality",
    "Consent",
    "GateRefusal",
    "Grants",
    "Ground",
    "Known",
    "LawfulBasis",
    "Purpose",
    "Reach",
    "Records",
    "Regime",
    "Rest",
    "Role",
    "Statute",
    "Terms",
    "Verdict",
    "access_lists",
    "asking",
    "by",
    "decide",
    "decide_all",
    "newest",
    "reached_by",
    "system",
    "visible_to",
]
