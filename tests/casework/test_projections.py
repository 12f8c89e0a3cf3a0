"""In whatever order, batches and repetitions facts arrive, what is remembered of them is the same."""

from datetime import UTC, date, datetime
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casework import projections
from casework.subscriptions import HEARS
from chassis import projection

PERSON, CASE, PROGRAMME, HANDOFF = (UUID(int=n) for n in (1, 2, 3, 4))
DAY, AT = date(2026, 3, 2), datetime(2026, 3, 2, 10, tzinfo=UTC)


def rows():
    """A stream of facts of each kind, as rows in their order."""
    told = []
    for seq, state in enumerate(["GRANTED", "WITHDRAWN", "GRANTED"], 1):
        told += projections.consent(
            person_id=PERSON,
            purpose="PARTICIPATE",
            programme_id=str(PROGRAMME),
            recipient="",
            scope_codes=["B", "A"],
            state=state,
            version=seq,
            review_on=None if state == "WITHDRAWN" else DAY,
            seq=seq,
        )
        told += projections.access_list(
            person_id=PERSON, listed="DENY", entries=["staff-ew-2", "staff-ew-1"][:seq], version=seq, seq=seq
        )
        told += projections.safe_contact(
            person_id=PERSON,
            channels=["PHONE", "SMS"][:seq],
            days=[3, 1],
            from_hour=9 + seq,
            to_hour=16,
            voicemail=bool(seq % 2),
            unnamed=True,
            version=seq,
            seq=seq,
        )
        told += projections.merged(old_id=PERSON, into_id=HANDOFF if seq != 2 else None, version=seq)
        told += projections.person_flags(person_id=PERSON, deceased=seq == 3, version=seq, seq=seq)
        told += projections.programme(
            programme_id=PROGRAMME,
            version=1 + seq // 3,
            code="EERSS",
            valid_from=DAY,
            planned_months=11 + seq,
            cap_months=18,
            counted_pauses=True,
            seq=seq,
        )
        told += projections.delivery_mode(
            programme_id=PROGRAMME, quadrant="NW", valid_from=DAY, mode=f"M{seq}", seq=seq
        )
        told += projections.practitioner(
            case_id=CASE,
            kind="MAIN",
            practitioner_ref=f"pp-{seq}",
            pdu_code="N01",
            starts_on=DAY,
            ends_on=None,
            seq=seq,
        )
    told += projections.expected(
        case_id=CASE, person_id=PERSON, programme_id=PROGRAMME, kind="K", submitted_at=AT, seq=1
    )
    told += projections.decided(case_id=CASE, still_expected=False, seq=2)
    told += projections.onward(handoff_id=HANDOFF, case_id=CASE, kind="TRANSFER", seq=3)
    told += projections.onward_state(handoff_id=HANDOFF, state="RECEIVED", seq=4)
    told += projections.onward_state(handoff_id=HANDOFF, state="ACCEPTED", seq=5)
    between = {"parties": ["together", "probation"], "recipients": ["probation"]}
    term = {"valid_from": date(2026, 1, 1), "valid_to": date(2027, 1, 1)}
    told.append(projections.agreement_signed("isa-1", **between, **term, covers={}, seq=1))
    told += [
        projections.agreement_stands("isa-1", in_force=held, since=AT, seq=seq)
        for seq, held in ((1, True), (2, False), (3, True))
    ]
    return told


async def digest_of(house, batches):
    async with house.works.database.connection() as conn:
        await projection.start_shadow(conn, HEARS.tables)
        for batch in batches:
            await projection.write(conn, batch, shadows=True)
        return await projection.digest(conn, HEARS.tables, shadows=True)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(data=st.data())
async def test_what_is_remembered_does_not_depend_on_the_order(house, data):
    told = rows()
    repeated = data.draw(st.lists(st.sampled_from(range(len(told))), max_size=8))
    order = data.draw(st.permutations([*range(len(told)), *repeated]))
    size = data.draw(st.integers(1, len(order)))
    batches = [[told[n] for n in order[at : at + size]] for at in range(0, len(order), size)]

    assert await digest_of(house, batches) == await digest_of(house, [[row] for row in told])


def test_every_table_of_the_group_is_written_by_a_projection():
    assert {row.table for row in rows()} == set(HEARS.tables)
