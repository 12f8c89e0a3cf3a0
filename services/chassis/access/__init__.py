"""Who may do and see what, and what may be known elsewhere: one policy for every door; fails closed.

`roles` says who acts, `seeing` which records exist for him, `guests` by which agreements a guest sees any, `merged`
which records are of one man, `deciding` what may be known by another organisation.
"""

from chassis.access.asking import ACTOR_ID, ACTOR_ORGANISATION, ACTOR_ROLE, HOUSE, NOW, asking
from chassis.access.codes import Category, Confidentiality, GateRefusal, LawfulBasis, Regime, Statute
from chassis.access.deciding import (
    Agreement,
    Asked,
    Consent,
    Ground,
    Known,
    Lists,
    Rest,
    Terms,
    Verdict,
    decide,
    decide_all,
    newest,
)
from chassis.access.guests import Agreements, agreements, covers_of
from chassis.access.letting import let_see
from chassis.access.merged import (
    NOBODY,
    OneMan,
    joined_to,
    merged_people,
    merged_row,
    of_him,
    one_man,
    others_in,
    same_person,
)
from chassis.access.roles import Actor, Call, Grants, Purpose, Reach, Role, by, system
from chassis.access.seeing import Records, access_lists, reached_by, visible_to

__all__ = [
    "ACTOR_ID",
    "ACTOR_ORGANISATION",
    "ACTOR_ROLE",
    "HOUSE",
    "NOBODY",
    "NOW",
    "Actor",
    "Agreement",
    "Agreements",
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
    "Lists",
    "OneMan",
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
    "agreements",
    "asking",
    "by",
    "covers_of",
    "decide",
    "decide_all",
    "joined_to",
    "let_see",
    "merged_people",
    "merged_row",
    "newest",
    "of_him",
    "one_man",
    "others_in",
    "reached_by",
    "same_person",
    "system",
    "visible_to",
]
