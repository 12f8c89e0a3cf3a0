"""Joined by two service managers and taken apart by two: what is found, shown, told and ended, on a real database."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from chassis.aggregate import Conflict, Denied, Exists, NotFound, Unmet
from referral import commands, queries
from referral.domain.access_list import List
from referral.domain.codes import Channel, ToldHow
from referral.domain.consent import ConsentPurpose, Scope
from referral.domain.merge import MergeReason, UnmergeReason
from tests.referral import steps
from tests.referral.conftest import CP1, EW1, IG1, PP1, PP2, SM1, SM2
from throughcare.referral.v1 import events_pb2 as told

MIGRATIONS = "referral.migrations"
SYSTEM = replace(SM1, id="notifications", role=type(SM1.role).SYSTEM)


async def asked(desk, old, into, actor=SM1):
    return await desk.do(
        commands.merge_people,
        actor,
        merge_id=None,
        from_person_id=old,
        to_person_id=into,
        reason=MergeReason.SAME_IDENTIFIER,
        expected=None,
    )


async def confirmed(desk, answer, actor=SM2):
    return await desk.do(
        commands.merge_people,
        actor,
        merge_id=UUID(answer["merge_id"]),
        from_person_id=None,
        to_person_id=None,
        reason=None,
        expected=answer["version"],
    )


async def merged(desk, old, into):
    return await confirmed(desk, await asked(desk, old, into))


async def apart(desk, answer):
    merge_id = UUID(answer["merge_id"])
    reason = UnmergeReason.DIFFERENT_PEOPLE
    asked_for = await desk.do(commands.unmerge, SM1, merge_id=merge_id, reason=reason, expected=answer["version"])
    return await desk.do(commands.unmerge, SM2, merge_id=merge_id, reason=None, expected=asked_for["version"])


async def two(desk, **given):
    """Two drafts of what turns out to be one man."""
    await steps.a_programme(desk)
    return await steps.a_draft(desk, PP1, **given), await steps.a_draft(desk, PP2)


async def found(desk, crn, actor=SM1):
    return await desk.ask(queries.find_person, actor, kind="crn", value=crn)


async def shares(desk, person_id, actor=SM1, codes=("APPOINTMENTS",)):
    answer = await desk.do(
        commands.grant_consent,
        actor,
        person_id=person_id,
        scope=Scope(purpose=ConsentPurpose.SHARE, recipient="north-london-nhs", codes=codes),
        explained_how=ToldHow.PHONE,
        language="en-GB",
        copy_offered=True,
        capacity_doubt="",
        review_on=await steps.today(desk) + timedelta(days=60),
    )
    return UUID(answer["consent_id"]), answer["version"]


async def answers(desk, person_id):
    found = await desk.ask(queries.list_consents, SM1, person_id=person_id, after=None, size=50)
    return sorted((held["purpose"], held["status"]) for held in found)


async def test_an_identifier_of_the_old_record_finds_the_man(desk):
    crn = steps.a_crn()
    old, into = await two(desk, crn=crn)
    start = await desk.position()

    answer = await merged(desk, old.person_id, into.person_id)

    assert (answer["status"], answer["ends"]) == ("MERGED", [])
    assert await found(desk, crn) == str(into.person_id)
    assert (await steps.a_draft(desk, PP1, crn=crn)).person_id == into.person_id
    assert "Merged" in await desk.told(start)


async def test_it_is_told_on_the_key_of_the_record_he_goes_on_by_with_the_version_of_the_other(desk):
    old, into = await two(desk)

    await merged(desk, old.person_id, into.person_id)

    row = (await desk.rows("select key, message from journal where fact_type = 'Merged'"))[0]
    said = told.PersonMerged.FromString(row.message)
    version = await desk.value("select version from person where id = $1", old.person_id)
    assert row.key == said.to_person_id == str(into.person_id)
    assert (said.from_person_id, said.version) == (str(old.person_id), version)


async def test_nobody_agrees_with_himself_and_nobody_else_may(desk):
    old, into = await two(desk)
    for actor in (PP1, EW1, CP1, IG1):
        with pytest.raises(Denied):
            await asked(desk, old.person_id, into.person_id, actor)
    answer = await asked(desk, old.person_id, into.person_id)
    before = await desk.snapshot()

    with pytest.raises(Unmet, match="second_person_required"):
        await confirmed(desk, answer, SM1)
    with pytest.raises(Conflict):
        await confirmed(desk, {**answer, "version": 7})
    with pytest.raises(Exists, match="merge_waiting"):
        await asked(desk, old.person_id, into.person_id, SM2)

    assert await desk.snapshot() == before


async def test_a_record_that_is_joined_is_joined_no_second_time_and_chains_end_at_their_end(desk):
    crn = steps.a_crn()
    old, into = await two(desk, crn=crn)
    third = await steps.a_draft(desk, PP2)
    crossing = await asked(desk, into.person_id, old.person_id)
    await merged(desk, old.person_id, into.person_id)

    for first, second in ((old, third), (third, old)):
        with pytest.raises(Unmet, match="merged"):
            await asked(desk, first.person_id, second.person_id)
    with pytest.raises(Unmet, match="merged"):
        await confirmed(desk, crossing)
    await merged(desk, into.person_id, third.person_id)

    assert await found(desk, crn) == str(third.person_id)


async def test_missing_and_hidden_look_alike(desk):
    old, into = await two(desk)
    await desk.do(
        commands.set_access_list, SM1, person_id=into.person_id, which=List.DENY, entries=(SM2.id,), expected=0
    )
    answer = await asked(desk, old.person_id, into.person_id)

    for attempt in (
        lambda: asked(desk, old.person_id, into.person_id, SM2),
        lambda: asked(desk, into.person_id, old.person_id, SM2),
        lambda: asked(desk, old.person_id, uuid4(), SM2),
        lambda: confirmed(desk, answer),
        lambda: confirmed(desk, {**answer, "merge_id": str(uuid4())}),
    ):
        with pytest.raises(NotFound) as no:
            await attempt()
        assert (no.value.reason, no.value.fields) == ("not_found", ())
    waiting = {"person_id": None, "after": None, "size": 9}
    assert await desk.ask(queries.list_merges, SM2, **waiting) == []
    assert len(await desk.ask(queries.list_merges, SM1, **waiting)) == 1


async def test_lists_that_hide_one_record_hide_the_man(desk):
    old, into = await two(desk)
    await desk.do(
        commands.set_access_list, SM1, person_id=old.person_id, which=List.DENY, entries=(CP1.id,), expected=0
    )
    await desk.ask(queries.get_person, CP1, person_id=into.person_id)

    answer = await merged(desk, old.person_id, into.person_id)

    for who in (old, into):
        with pytest.raises(NotFound):
            await desk.ask(queries.get_person, CP1, person_id=who.person_id)
        with pytest.raises(NotFound):
            await desk.ask(queries.get_referral, CP1, referral_id=who.referral_id, case_reference="")
    await apart(desk, answer)
    await desk.ask(queries.get_person, CP1, person_id=into.person_id)


async def test_lists_are_mended_where_they_stand(desk):
    old, into = await two(desk)
    deny = {"person_id": old.person_id, "which": List.DENY}
    version = await desk.do(commands.set_access_list, SM1, **deny, entries=(CP1.id,), expected=0)
    await merged(desk, old.person_id, into.person_id)

    await desk.do(commands.set_access_list, SM1, **deny, entries=(), expected=version)

    await desk.ask(queries.get_person, CP1, person_id=into.person_id)


async def test_allow_lists_meet(desk):
    old, into = await two(desk)
    for who, entries in ((old, ("staff-sm-1", "staff-sm-2")), (into, ("staff-sm-1", "staff-sm-2", CP1.id))):
        await desk.do(
            commands.set_access_list, SM1, person_id=who.person_id, which=List.ALLOW, entries=entries, expected=0
        )
    await merged(desk, old.person_id, into.person_id)

    with pytest.raises(NotFound):
        await desk.ask(queries.get_person, CP1, person_id=into.person_id)
    await desk.ask(queries.get_person, SM2, person_id=into.person_id)


async def test_he_is_shown_as_one_man_and_either_caseload_holds_him(desk):
    old, into = await two(desk)
    with pytest.raises(NotFound):
        await desk.ask(queries.get_person, PP1, person_id=into.person_id)

    await merged(desk, old.person_id, into.person_id)

    shown = await desk.ask(queries.get_person, PP1, person_id=into.person_id)
    assert shown["person"].id == into.person_id
    assert (await desk.ask(queries.get_person, SM1, person_id=old.person_id))["person"].merged_into == into.person_id
    everything = {"statuses": (), "programme": "", "person_id": into.person_id, "after": None, "size": 50}
    listed = await desk.ask(queries.list_referrals, SM1, **everything)
    assert {row["referral_id"] for row in listed["referrals"]} == {old.referral_id, into.referral_id}


async def test_what_he_lacks_here_is_looked_up_there(desk):
    await steps.a_programme(desk)
    old = await steps.a_draft(desk, PP1, crn="X700001")
    into = await steps.a_draft(desk, PP2, crn="", given_identifiers={"prison_number": "A1234BC"})

    answer = await merged(desk, old.person_id, into.person_id)

    shown = await desk.ask(queries.get_person, SM1, person_id=into.person_id)
    assert shown["identifiers"] == {"crn": "X700001", "prison_number": "A1234BC"}
    await apart(desk, answer)
    shown = await desk.ask(queries.get_person, SM1, person_id=into.person_id)
    assert shown["identifiers"] == {"prison_number": "A1234BC"}


async def test_a_review_of_either_is_closed_with_its_prompt(desk):
    await steps.a_programme(desk)
    crn = steps.a_crn()
    hidden = await steps.a_draft(desk, PP2, crn=crn)
    await desk.do(
        commands.set_access_list, SM1, person_id=hidden.person_id, which=List.DENY, entries=(PP1.id,), expected=0
    )
    mine = await steps.a_draft(desk, PP1, crn=crn)

    await merged(desk, mine.person_id, hidden.person_id)

    prompts = await desk.ask(queries.list_prompts, SM1, person_id=mine.person_id, after=None, size=9)
    assert prompts == []
    assert not (await desk.ask(queries.get_person, SM1, person_id=mine.person_id))["person"].merge_review


async def test_an_agreement_of_one_record_alone_ends_and_what_stands_on_it_with_it(desk):
    programme_id = await steps.a_programme(desk)
    old = await steps.accepted(desk, programme_id)
    into = await steps.a_draft(desk, PP2)
    waiting = await asked(desk, old.person_id, into.person_id)
    assert [(held["purpose"], held["person_id"]) for held in waiting["ends"]] == [("PARTICIPATE", str(old.person_id))]
    shown = (await desk.ask(queries.list_merges, SM2, person_id=None, after=None, size=9))[0]
    assert shown["ends"] == waiting["ends"]
    start = await desk.position()

    await confirmed(desk, waiting)

    referral = await desk.ask(queries.get_referral, SM1, referral_id=old.referral_id, case_reference="")
    assert (referral["status"], referral["reason_group"]) == ("WITHDRAWN", "PERSON_CHOICE")
    assert {"EndedByMerge", "Withdrawn", "Merged"} <= set(await desk.told(start))


async def test_what_was_agreed_under_both_goes_on_and_is_asked_of_the_man_from_then_on(desk):
    programme_id = await steps.a_programme(desk)
    old, into = await steps.in_triage(desk), await steps.a_draft(desk, PP2)
    for case in (old, into):
        await steps.agreed(desk, case, programme_id)

    await merged(desk, old.person_id, into.person_id)
    await steps.accept(desk, old)

    assert await answers(desk, old.person_id) == [("PARTICIPATE", "GRANTED")] * 2
    await desk.do(commands.withdraw_consent, SM1, consent_id=into.consent_id, expected=into.consent_version)
    assert await answers(desk, old.person_id) == [("PARTICIPATE", "WITHDRAWN")] * 2
    referral = await desk.ask(queries.get_referral, SM1, referral_id=old.referral_id, case_reference="")
    assert referral["status"] == "WITHDRAWN"


async def test_he_is_taken_on_once_he_has_agreed_since(desk):
    programme_id = await steps.a_programme(desk)
    old, into = await steps.in_triage(desk), await steps.a_draft(desk, PP2)
    await steps.agreed(desk, old, programme_id)
    await merged(desk, old.person_id, into.person_id)
    with pytest.raises(Unmet, match="consent_missing"):
        await steps.accept(desk, old)

    await steps.agreed(desk, old, programme_id)
    await steps.accept(desk, old)

    assert await desk.value("select person_id from consent where id = $1", old.consent_id) == into.person_id


async def test_a_duplicate_is_one_of_the_man(desk):
    await steps.a_programme(desk)
    old, into = await steps.submitted(desk), await steps.ready(desk, PP1)
    await merged(desk, old.person_id, into.person_id)

    await steps.submit(desk, into)

    shown = await desk.ask(queries.get_referral, SM1, referral_id=into.referral_id, case_reference="")
    assert shown["possible_duplicate"]


async def test_evidence_of_either_record_counts(desk):
    await steps.a_programme(desk)
    old, into = await two_more(desk)
    await steps.screened(desk, old)
    await merged(desk, old.person_id, into.person_id)
    await steps.told(desk, into)
    await steps.with_practitioner(desk, into)

    await steps.submit(desk, into)

    assert await desk.value("select count(*) from screening_evidence where person_id = $1", old.person_id) == 1


async def two_more(desk):
    return await steps.a_draft(desk, PP1), await steps.a_draft(desk, PP1)


async def test_he_is_reached_by_the_channels_of_the_record_he_goes_on_by_as_both_allow(desk):
    old, into = await two(desk)
    for who, channels, phone in ((old, ["SMS"], "+447700900001"), (into, ["SMS", "PHONE"], "+447700900002")):
        safe = {"channels": channels, "days": [1, 2], "from_hour": 9, "to_hour": 17}
        await desk.do(commands.set_contact_channels, SM1, person_id=who.person_id, given={"phone": phone}, expected=2)
        await desk.do(commands.set_safe_contact, SM1, person_id=who.person_id, given=safe, expected=3)

    answer = await merged(desk, old.person_id, into.person_id)

    async def contact(case, channel):
        given = {"case_id": case.case_id, "recipient": "PERSON", "channel": channel}
        return (await desk.ask(queries.get_contact, SYSTEM, **given))["address"]

    assert await contact(old, Channel.SMS) == "+447700900002"
    with pytest.raises(Unmet, match="channel_not_allowed"):
        await contact(into, Channel.PHONE)
    await apart(desk, answer)
    assert await contact(old, Channel.SMS) == "+447700900001"
    assert await contact(into, Channel.PHONE) == "+447700900002"


async def test_taken_apart_each_record_is_its_own_again_and_what_came_meanwhile_is_to_be_sorted(desk):
    crn = steps.a_crn()
    old, into = await two(desk, crn=crn)
    answer = await merged(desk, old.person_id, into.person_id)
    await desk.wind(minutes=1)
    consent_id, _ = await shares(desk, old.person_id)

    done = await apart(desk, answer)

    assert done["status"] == "UNMERGED"
    assert await found(desk, crn) == str(old.person_id)
    shown = await desk.ask(queries.list_merges, SM1, person_id=old.person_id, after=None, size=9)
    assert shown[0]["to_sort"] == [{"kind": "CONSENT", "record_id": str(consent_id)}]
    prompts = await desk.ask(queries.list_prompts, SM1, person_id=into.person_id, after=None, size=9)
    assert [prompt["kind"] for prompt in prompts] == ["UNMERGED"]
    again = await merged(desk, old.person_id, into.person_id)
    assert again["status"] == "MERGED"


async def test_taken_apart_what_was_accepted_on_the_others_agreement_ends(desk):
    programme_id = await steps.a_programme(desk)
    old, into = await steps.in_triage(desk), await steps.a_draft(desk, PP2)
    answer = await merged(desk, old.person_id, into.person_id)
    await steps.agreed(desk, old, programme_id)
    await steps.accept(desk, old)

    await apart(desk, answer)

    referral = await desk.ask(queries.get_referral, SM1, referral_id=old.referral_id, case_reference="")
    assert referral["status"] == "WITHDRAWN"
    granted = "select status from consent where id = $1"
    assert await desk.value(granted, old.consent_id) == "GRANTED"


async def test_a_number_that_found_him_is_not_written_under_a_second_record(desk):
    crn = steps.a_crn()
    old, into = await two(desk, crn=crn)
    answer = await merged(desk, old.person_id, into.person_id)

    again = await steps.a_draft(desk, PP1, crn=crn)
    assert again.person_id == into.person_id
    await apart(desk, answer)

    shown = await desk.ask(queries.get_person, SM1, person_id=into.person_id)
    assert crn not in shown["identifiers"].values()
    assert not shown["person"].merge_review


async def test_he_is_asked_again_by_the_record_he_goes_on_by_alone(desk):
    programme_id = await steps.a_programme(desk)
    old, into = await steps.a_draft(desk, PP1), await steps.a_draft(desk, PP2)
    for case in (old, into):
        await steps.agreed(desk, case, programme_id)
    await merged(desk, old.person_id, into.person_id)

    await desk.wind(days=190)

    missed = await desk.rows("select aggregate_id from journal where fact_type = 'ConsentMissed'")
    assert [row.aggregate_id for row in missed] == [into.consent_id]


async def test_nothing_of_a_merge_says_who_he_is(desk):
    crn = "X765432"
    old, into = await two(desk, crn=crn, person={"family_name": "Canaryname"})
    await apart(desk, await merged(desk, old.person_id, into.person_id))

    said = str(await desk.rows("select message, headers from journal")) + str(await desk.rows("select * from audit"))
    assert "Canaryname" not in said
    assert crn not in said
