"""Every question of the service's screens and callers; filtered by who asks, in the statement itself."""

from referral.queries.details import get_detail, list_names
from referral.queries.lists import list_consents, list_programmes, list_prompts, list_screenings
from referral.queries.merges import list_merges
from referral.queries.people import find_person, get_contact, get_person
from referral.queries.referrals import get_referral, list_referrals

__all__ = [
    "find_person",
    "get_contact",
    "get_detail",
    "get_person",
    "get_referral",
    "list_consents",
    "list_merges",
    "list_names",
    "list_programmes",
    "list_prompts",
    "list_referrals",
    "list_screenings",
]
