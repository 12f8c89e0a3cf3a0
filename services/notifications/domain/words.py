"""What a notice says in plain words of a promise, a prompt, a group of reasons or a day."""

from __future__ import annotations

from datetime import date, datetime

from chassis.calendar import local_date

PROMISES = {
    "L1": "the referral is not acknowledged",
    "L2": "the referral is not decided",
    "L3": "there was no first contact",
    "L4": "there was no first meeting",
    "L5": "there is no agreed plan",
    "L6": "the outcome of a meeting is not recorded",
    "L7": "work between organisations waits for the next step",
    "L12": "the end report is not shared",
    "L18": "no worker is named",
    "L20": "what was agreed was not asked again",
    "L21": "the review is not recorded",
    "L22": "what was taken back is not confirmed as deleted",
}
PROMPTS = {
    "SCREENING_UNREADABLE": "a result could not be read",
    "PRACTITIONER_CHANGED": "who is responsible may have changed",
    "RISK_CHANGED": "an assessment may have changed",
    "RECALL_SUGGESTED": "advice may be asked for",
    "LICENCE_CHANGED": "conditions may have changed",
    "CUSTODY_CHANGED": "where he is may have changed",
    "ROTL_CHANGED": "a planned absence may have changed",
    "STALE": "something kept here may be out of date",
    "MERGE_SUGGESTED": "two records may be of one person",
    "UNMERGED": "records of two people are to be sorted",
    "ERASURE_AT_SOURCE": "a record was erased at its source",
}
# Nobody is told from a message that it was the person's own choice.
GROUPS = {
    "ELIGIBILITY": "the programme is for others",
    "CAPACITY": "there is no place",
    "PERSON_CHOICE": "circumstances have changed",
    "NEED_MET_ELSEWHERE": "somebody else supports",
    "CIRCUMSTANCE": "circumstances have changed",
    "SAFETY": "it would not be safe",
    "ADMIN": "for reasons of order",
}


def promise(code: str) -> str:
    """What is late."""
    return PROMISES.get(code, "a promise was not kept")


def prompt(kind: str) -> str:
    """What to look at."""
    return PROMPTS.get(kind, "something may have changed")


def group(code: str) -> str:
    """Why, as far as anybody is told."""
    return GROUPS.get(code, "circumstances have changed")


def written(day: date | datetime) -> str:
    """A London day as it is written here: 2 March 2026."""
    on = local_date(day) if isinstance(day, datetime) else day
    return f"{on.day} {on:%B %Y}"


def reference(text: str) -> str:
    """A case reference in two groups of four."""
    return f"{text[:4]}-{text[4:]}" if len(text) == 8 else text
