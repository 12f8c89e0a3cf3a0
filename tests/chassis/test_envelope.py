"""The envelope: what a record says of itself, and what is refused before it leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.envelope import (
    ContractBroken,
    Envelope,
    Undecodable,
    check,
    check_leaving,
    from_headers,
    key_of,
    legible,
    pack_around,
    pack_headers,
    printed,
    reach_of,
    registry,
    to_headers,
    topic_of,
    unpack_headers,
)
from throughcare.partners.v1.shares_pb2 import SharedHandoffReceived
from throughcare.referral.v1 import events_pb2
from throughcare.referral.v1.events_pb2 import ConsentGranted, ProgrammePublished, ReferralAccepted

AN_ENVELOPE = Envelope(
    event_id=uuid4(),
    type="throughcare.referral.v1.ReferralAccepted",
    schema_version=1,
    reach="NODE",
    source_node="together",
    aggregate_type="referral",
    aggregate_id=uuid4(),
    stream_sequence=7,
    aggregate_version=9,
    person_id=uuid4(),
    case_id=uuid4(),
    occurred_at=datetime(2026, 11, 24, 10, 0, 0, 123456, tzinfo=UTC),
    recorded_at=datetime(2026, 11, 24, 10, 0, 1, tzinfo=UTC),
    actor_role="SM",
    actor_ref="staff-sm-1",
    correlation_id=uuid4(),
    causation_id=uuid4(),
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    sensitivity="STANDARD",
    detail_ref="",
)


@given(st.booleans(), st.booleans(), st.booleans())
def test_an_envelope_survives_its_headers_and_their_packing(person, case, cause) -> None:
    envelope = replace(
        AN_ENVELOPE,
        person_id=AN_ENVELOPE.person_id if person else None,
        case_id=AN_ENVELOPE.case_id if case else None,
        causation_id=AN_ENVELOPE.causation_id if cause else None,
    )

    assert from_headers(unpack_headers(pack_headers(to_headers(envelope)))) == envelope


def test_headers_packed_around_one_value_are_the_same_with_it_in_between() -> None:
    headers = to_headers(AN_ENVELOPE)

    for name, value in headers:
        before, behind = pack_around(headers, name)
        assert before + value + behind == pack_headers(headers)


def test_what_is_absent_is_not_sent() -> None:
    sent = dict(to_headers(replace(AN_ENVELOPE, person_id=None, causation_id=None)))

    assert "ce_subject" not in sent
    assert "ce_causationid" not in sent
    assert all(sent.values())


@pytest.mark.parametrize("missing", ["ce_id", "ce_source", "ce_type", "ce_specversion", "ce_time", "ce_streamsequence"])
def test_a_record_without_a_needed_header_is_refused_and_not_given_one(missing) -> None:
    headers = [(name, value) for name, value in to_headers(AN_ENVELOPE) if name != missing]

    assert from_headers(headers) == Undecodable(f"header_missing:{missing}")


@given(st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=20) | st.none()), max_size=30))
def test_no_headers_whatever_raise(headers) -> None:
    from_headers(headers)
    from_headers([*to_headers(AN_ENVELOPE), *headers])


@pytest.mark.parametrize(
    ("name", "value"), [("ce_id", b"not-a-uuid"), ("ce_time", b"2026-11-24T10:00:00"), ("ce_streamsequence", b"x")]
)
def test_an_unreadable_header_is_a_value(name, value) -> None:
    assert from_headers([*to_headers(AN_ENVELOPE), (name, value)]) == Undecodable("header_unreadable")


def test_the_contract_says_topic_and_key() -> None:
    case, person, aggregate = uuid4(), uuid4(), uuid4()
    given_ids = {"case": case, "person": person, "aggregate": aggregate}

    assert topic_of(ReferralAccepted, "together") == "together.referral.v1"
    assert key_of(ReferralAccepted, **given_ids) == str(case)
    assert key_of(ReferralAccepted, **(given_ids | {"case": None})) == str(person)
    assert key_of(ConsentGranted, **given_ids) == str(person)
    assert key_of(ProgrammePublished, **given_ids) == str(aggregate)


def test_a_message_that_does_not_say_its_reach_cannot_be_told() -> None:
    from throughcare.details.v1.service_pb2 import GetContactResponse

    with pytest.raises(ContractBroken):
        check(GetContactResponse(address="x"))


def test_a_message_over_256_kib_cannot_be_told() -> None:
    with pytest.raises(ContractBroken, match="256"):
        check(ReferralAccepted(programme_id="x" * (256 * 1024)))


def test_every_event_of_the_contracts_can_be_told() -> None:
    for kind in registry().values():
        (check_leaving if reach_of(kind) == "SHARE" else check)(kind())


def test_a_share_leaves_by_the_gate_alone_and_a_fact_of_the_house_never() -> None:
    with pytest.raises(ContractBroken, match="gate"):
        check(SharedHandoffReceived())
    with pytest.raises(ContractBroken, match="stays"):
        check_leaving(ReferralAccepted())


def test_the_registry_knows_every_referral_event() -> None:
    assert set(events_pb2.DESCRIPTOR.message_types_by_name) <= {name.rsplit(".", 1)[1] for name in registry()}


def test_a_count_says_of_nobody() -> None:
    sent = dict(to_headers(replace(AN_ENVELOPE, reach="AGGREGATE")))

    nobodys = {"ce_subject", "ce_caseid", "ce_aggregateid", "ce_actorref", "ce_actorrole", "ce_correlationid"}
    assert not nobodys & set(sent)
    read = from_headers(list(sent.items()))
    assert isinstance(read, Envelope)
    assert (read.stream_sequence, read.person_id, read.case_id) == (7, None, None)


def test_a_header_with_a_zero_byte_is_refused_by_the_journals_packing() -> None:
    with pytest.raises(ContractBroken, match="zero byte"):
        pack_headers([("ce_id", b"a\0b")])
    with pytest.raises(ContractBroken, match="zero byte"):
        pack_around([("ce_id", b"a\0b"), ("ce_streamsequence", b"")], "ce_streamsequence")


@pytest.mark.parametrize(
    ("type_", "version", "answer"),
    [
        ("throughcare.referral.v1.ReferralAccepted", 1, "yes"),
        ("throughcare.referral.v1.ReferralAccepted", 2, "needs_upgrade"),
        ("throughcare.referral.v2.ReferralAccepted", 2, "needs_upgrade"),
        ("throughcare.referral.v1.ReferralSung", 1, "unknown"),
        ("org.example.v2.Thing", 1, "unknown"),
        ("", 1, "unknown"),
    ],
)
def test_a_later_major_version_is_told_apart_from_an_unknown_type(type_, version, answer) -> None:
    assert legible(replace(AN_ENVELOPE, type=type_, schema_version=version)) == answer


def test_any_record_can_be_printed() -> None:
    body = ReferralAccepted(programme_id="p-1").SerializeToString()

    assert '"programme_id": "p-1"' in printed(to_headers(AN_ENVELOPE), body)
    assert '"message": null' in printed([("x", None), ("y", b"\xff")], None)
    assert '"message": "/w=="' in printed([], b"\xff")
