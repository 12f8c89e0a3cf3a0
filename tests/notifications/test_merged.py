"""People who turned out to be one man: the lists of all his records bound who is told, whatever the order."""

from itertools import permutations
from uuid import uuid4

import pytest

from chassis import replay
from notifications.subscriptions import HEARS
from tests.notifications.house import HOUR, MONDAY, NODE, Case, House
from tests.notifications.test_subscriptions import a_case, consent
from throughcare.referral.v1 import events_pb2 as referral

MIGRATIONS = "notifications.migrations"


def merged(old: Case, into: Case, version: int = 3) -> referral.PersonMerged:
    return referral.PersonMerged(from_person_id=str(old.person_id), to_person_id=str(into.person_id), version=version)


def unmerged(old: Case, into: Case, version: int = 4) -> referral.PersonUnmerged:
    return referral.PersonUnmerged(from_person_id=str(old.person_id), to_person_id=str(into.person_id), version=version)


def listed(which: str, *entries: str) -> referral.AccessListChanged:
    return referral.AccessListChanged(list=which, entries=entries, version=1)


async def kept_from(house: House) -> set[str]:
    rows = await house.notices(template="referral-ended")
    return {row["recipient_ref"] for row in rows if row["reason"] == "CASE_RESTRICTED"}


ENDED = referral.ReferralWithdrawn(reason_group="ADMIN", by_party="SERVICE")


@pytest.mark.parametrize("order", list(permutations(("merged", "listed"))))
async def test_lists_of_one_record_keep_the_other_from_them(house: House, order: tuple[str, str]) -> None:
    case, into = await a_case(house), Case()
    told = {"merged": merged(case, into), "listed": listed("DENY", "pp-abc")}
    for which in order:
        await house.hear(told[which], into)

    await house.hear(ENDED, case)

    assert await kept_from(house) == {"pp-abc"}


async def test_allow_lists_meet(house: House) -> None:
    case, into = await a_case(house), Case()
    await house.hear(listed("ALLOW", "staff-sm-1", "staff-ew-1", "pp-abc"), case)
    await house.hear(listed("ALLOW", NODE, "pp-def"), into)
    await house.hear(merged(case, into), into)

    await house.hear(ENDED, case)

    told = {row["recipient_ref"] for row in await house.notices(template="referral-ended")}
    assert await kept_from(house) == {"pp-abc"}
    assert told == {"staff-sm-1", "staff-ew-1", "pp-abc"}


@pytest.mark.parametrize("order", list(permutations(("asked", "merged"))))
async def test_a_late_fact_of_the_old_record_is_of_the_man(house: House, order: tuple[str, str]) -> None:
    case, into = await a_case(house), Case()
    for which in order:
        if which == "merged":
            await house.hear(listed("DENY", "pp-abc"), into)
            await house.hear(merged(case, into), into)
        else:
            await house.hear(ENDED, case)

    await house.send()
    rows = await house.notices(template="referral-ended", recipient_ref="pp-abc")
    assert {(row["status"], row["reason"]) for row in rows} == {("SUPPRESSED", "CASE_RESTRICTED")}


async def test_an_answer_under_the_record_he_goes_on_by_reaches_the_worker_of_the_other(house: House) -> None:
    case, into = await a_case(house), Case()
    await house.hear(merged(case, into), into)

    await house.hear(consent(referral.ConsentExpiring), into)
    assert await house.told() == [("staff-ew-1", "PAGE", "consent-review")]
    await house.hear(consent(referral.ConsentGranted), case)

    [review] = await house.notices()
    assert (review["status"], review["reason"]) == ("SUPPRESSED", "SUPERSEDED")


@pytest.mark.parametrize("order", list(permutations(("merged", "died"))))
async def test_a_death_known_of_the_record_he_goes_on_by_stops_both(house: House, order: tuple[str, str]) -> None:
    case, into = await a_case(house), Case()
    await house.hear(case.missed("L3", MONDAY - HOUR), case)
    told = {"merged": merged(case, into), "died": referral.PersonDetailsChanged(deceased=True, version=2)}

    for which in order:
        await house.hear(told[which], into)
    await house.hear(ENDED, case)

    assert {(row["status"], row["reason"]) for row in await house.notices()} == {("SUPPRESSED", "DECEASED")}


async def test_what_waits_under_one_record_holds_the_notices_of_the_man(house: House) -> None:
    case, into = await a_case(house), Case()
    await house.hear(merged(case, into), into)
    await house.hear(case.missed("L3", MONDAY - HOUR), case)

    await house.hear(consent(referral.ConsentExpiring), into, skip=1)

    assert await house.send() == 0


async def test_two_again_nothing_of_one_bounds_the_other(house: House) -> None:
    case, into = await a_case(house), Case()
    await house.hear(listed("DENY", "pp-abc"), into)
    await house.hear(merged(case, into), into)
    await house.hear(unmerged(case, into), into)

    await house.hear(ENDED, case)

    assert await kept_from(house) == set()


async def test_whose_records_are_to_be_sorted_a_service_manager_hears(house: House) -> None:
    case = await a_case(house)

    await house.hear(referral.PromptRaised(kind="UNMERGED"), case, aggregate_id=uuid4())

    assert await house.told(about="UNMERGED") == [("triage", "PAGE", "prompt")]


async def test_a_rebuild_makes_what_was_heard_live(house: House) -> None:
    old, first, second = Case(), Case(), Case()
    await house.hear(merged(old, second, 5), second)
    await house.hear(merged(old, first, 3), first)
    await house.hear(unmerged(old, first, 4), first)

    rebuilt = await replay.rebuild(house.database, HEARS, house.journals, NODE)

    assert rebuilt.live == rebuilt.rebuilt
    [row] = await house.rows("select into_id, seq from merged_people")
    assert (row["into_id"], row["seq"]) == (second.person_id, 5)
