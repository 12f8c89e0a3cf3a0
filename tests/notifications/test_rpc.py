"""NotificationService on the wire: who may ask what, all faults at once, and no value that comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import grpc
import pytest
import pytest_asyncio

from chassis.access import Actor, Purpose, Role
from chassis.rpc import RpcServer, acting_as, channel, error_of
from notifications.rpc import NotificationService
from tests.notifications.house import DAYS, MONDAY, NODE, OTHER, SECOND_SM, SM, WORKER, Case, House, allocated
from throughcare.notifications.v1 import service_pb2 as said
from throughcare.notifications.v1.service_pb2_grpc import NotificationServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MIGRATIONS = "notifications.migrations"
CANARY = "Canary-7731"
ADMINISTRATOR = Actor(id="staff-pa-1", role=Role.PA, organisation=NODE, purpose=Purpose.OPERATE)
PRACTITIONER = Actor(id="pp-abc", role=Role.PP, organisation="probation", purpose=Purpose.DELIVER_SUPPORT)


@pytest_asyncio.fixture
async def door(house: House) -> AsyncIterator[NotificationServiceStub]:
    server = RpcServer(house.works.settings, {"notifications": [NotificationService(house.works)]})
    port = await server.start()
    made = channel(house.works.settings, "notifications", address=f"127.0.0.1:{port}")
    yield NotificationServiceStub(made)
    await made.close()
    await server.stop(1)


async def refused(call: Any, *faults: tuple[str, str]) -> Any:
    """The refusal's shape; its faults are exactly these, and it holds no value that was sent."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = caught.value
    answered: Any = error_of(error)
    if faults:
        assert {(fault.path, fault.code) for fault in answered.fields} == set(faults)
    trailing = b"".join(v for _, v in error.trailing_metadata() or () if isinstance(v, bytes))
    assert CANARY not in str(error)
    assert CANARY.encode() not in trailing
    return answered


def as_(actor: Actor) -> Any:
    return acting_as(actor)


async def test_a_house_gets_its_contact_book_and_addresses_are_for_those_who_keep_it(
    door: NotificationServiceStub,
) -> None:
    setting = said.SetStaffContactRequest(
        staff_ref="staff-ew-9", roles=["EW"], email="ew-9@x.example", sms="+447700900123"
    )
    assert (await door.SetStaffContact(setting, metadata=as_(SM))).version == 1

    async def seen(actor: Actor) -> Any:
        listed = await door.ListContacts(said.ListContactsRequest(role="EW"), metadata=as_(actor))
        return next(contact for contact in listed.contacts if contact.ref == "staff-ew-9")

    mine = Actor(id="staff-ew-9", role=Role.EW, organisation=NODE, purpose=Purpose.DELIVER_SUPPORT)
    for actor in (SM, ADMINISTRATOR, mine):
        assert ((await seen(actor)).email, (await seen(actor)).sms) == ("ew-9@x.example", "+447700900123")
    other = await seen(OTHER)
    assert (other.email, other.sms) == ("", "")
    assert list(other.channels) == ["PAGE", "EMAIL", "SMS"]
    assert (await refused(door.ListContacts(said.ListContactsRequest(), metadata=as_(PRACTITIONER)))).kind == "DENY"


async def test_one_sets_ones_own_addresses_and_nothing_else(door: NotificationServiceStub) -> None:
    def setting(ref: str = "staff-ew-1", roles: Any = ("EW",), **given: Any) -> said.SetStaffContactRequest:
        return said.SetStaffContactRequest(
            staff_ref=ref, roles=roles, email="new@x.example", **{"expected_version": 1} | given
        )

    assert (await door.SetStaffContact(setting(), metadata=as_(WORKER))).version == 2
    for request in (
        setting(ref="staff-ew-2"),
        setting(roles=("EW", "SM"), expected_version=2),
        setting(left=True, expected_version=2),
    ):
        assert (await refused(door.SetStaffContact(request, metadata=as_(WORKER)))).kind == "DENY"
    team = said.SetTeamContactRequest(team_ref="triage", role="SM", email="mine@x.example", expected_version=1)
    assert (await refused(door.SetTeamContact(team, metadata=as_(WORKER)))).kind == "DENY"


async def test_a_change_of_an_entry_names_the_version_it_was_read_at(door: NotificationServiceStub) -> None:
    def setting(**given: Any) -> said.SetTeamContactRequest:
        return said.SetTeamContactRequest(team_ref="triage", role="SM", email="new@x.example", **given)

    assert (await refused(door.SetTeamContact(setting(), metadata=as_(SM)))).kind == "DUP"
    assert (await refused(door.SetTeamContact(setting(expected_version=7), metadata=as_(SM)))).kind == "CONF"
    assert (await door.SetTeamContact(setting(expected_version=1), metadata=as_(ADMINISTRATOR))).version == 2


async def test_every_fault_of_a_contact_comes_at_once(door: NotificationServiceStub, house: House) -> None:
    request = said.SetStaffContactRequest(staff_ref=CANARY, roles=[CANARY], organisation=CANARY, email=CANARY * 60)
    before = await house.rows("select count(*) from contact")
    await refused(
        door.SetStaffContact(request, metadata=as_(SM)),
        ("staff_ref", "INVALID_FORMAT"),
        ("roles.0", "UNKNOWN_CODE"),
        ("organisation", "INVALID_FORMAT"),
        ("email", "TOO_LONG"),
    )
    request = said.SetStaffContactRequest(staff_ref="staff-x", email=CANARY, sms="0123")
    await refused(
        door.SetStaffContact(request, metadata=as_(SM)),
        ("email", "INVALID_FORMAT"),
        ("sms", "INVALID_FORMAT"),
        ("roles", "REQUIRED"),
    )
    assert await house.rows("select count(*) from contact") == before
    [audited] = await house.rows(
        "select outcome from audit where action = 'contact.set_staff' order by at desc limit 1"
    )
    assert audited["outcome"] == "refused:invalid_fields"


async def test_the_same_key_has_one_effect_and_the_same_answer(door: NotificationServiceStub) -> None:
    setting = said.SetStaffContactRequest(staff_ref="staff-ew-9", roles=["EW"])
    metadata = acting_as(SM, key=uuid4())

    first, second = [await door.SetStaffContact(setting, metadata=metadata) for _ in range(2)]

    assert first == second


async def late(house: House) -> Any:
    case = Case()
    await house.hear(allocated(), case)
    await house.hear(case.missed("L3", MONDAY), case)
    await house.send()
    return case


async def test_a_worker_finds_and_acknowledges_what_waits_for_him(door: NotificationServiceStub, house: House) -> None:
    case = await late(house)
    asked = said.ListNoticesRequest(unacknowledged=True, case_id=str(case.case_id))
    mine = (await door.ListNotices(asked, metadata=as_(WORKER))).notices
    assert {(notice.recipient_ref, notice.state) for notice in mine} == {
        ("staff-ew-1", "DELIVERED"),
        ("staff-ew-1", "SENT"),
    }
    assert (await door.ListNotices(asked, metadata=as_(OTHER))).notices == []

    [late_page] = [n for n in mine if n.about == "L3" and n.channel == "PAGE"]
    request = said.AcknowledgeNoticeRequest(notice_id=late_page.notice_id, expected_version=late_page.version)
    assert (await refused(door.AcknowledgeNotice(request, metadata=as_(OTHER)))).kind == "NF"
    assert (await refused(door.AcknowledgeNotice(request, metadata=as_(SM)))).kind == "DENY"
    await door.AcknowledgeNotice(request, metadata=as_(WORKER))
    seen = await door.GetNotice(said.GetNoticeRequest(notice_id=late_page.notice_id), metadata=as_(WORKER))
    assert seen.notice.state == "ACKNOWLEDGED"
    assert [n.about for n in (await door.ListNotices(asked, metadata=as_(WORKER))).notices] == ["", ""]


async def test_what_is_hidden_and_what_is_missing_look_alike(door: NotificationServiceStub, house: House) -> None:
    await late(house)
    [row, *_] = await house.notices()
    hidden = await refused(door.GetNotice(said.GetNoticeRequest(notice_id=str(row["id"])), metadata=as_(OTHER)))
    missing = await refused(door.GetNotice(said.GetNoticeRequest(notice_id=str(uuid4())), metadata=as_(OTHER)))

    assert (hidden.kind, hidden.reason, hidden.fields) == (missing.kind, missing.reason, missing.fields)


async def test_notices_come_in_pages_newest_first(door: NotificationServiceStub, house: House) -> None:
    for _ in range(3):
        await late(house)
    token, seen = "", []
    while True:
        request = said.ListNoticesRequest(page_size=5, page_token=token, states=["SENT", "DELIVERED"])
        answer = await door.ListNotices(request, metadata=as_(SM))
        seen += [notice.notice_id for notice in answer.notices]
        token = answer.next_page_token
        if not token:
            break
    assert len(seen) == len(set(seen)) == 12
    assert seen == sorted(seen, reverse=True)
    foreign = said.ListNoticesRequest(page_size=5, page_token=CANARY, states=["SENT"])
    await refused(door.ListNotices(foreign, metadata=as_(SM)), ("page_token", "INVALID_FORMAT"))


@pytest.mark.parametrize(
    ("method", "request_", "faults"),
    [
        ("AcknowledgeNotice", said.AcknowledgeNoticeRequest(notice_id=CANARY), ["notice_id", "expected_version"]),
        ("RetryNotice", said.RetryNoticeRequest(), ["notice_id", "use_by", "expected_version"]),
        (
            "ResolveNotice",
            said.ResolveNoticeRequest(outcome="ESCALATED", note=CANARY * 200),
            ["notice_id", "outcome", "note", "expected_version"],
        ),
        ("ListNotices", said.ListNoticesRequest(states=[CANARY], case_id=CANARY), ["states.0", "case_id"]),
        ("GetNotice", said.GetNoticeRequest(), ["notice_id"]),
        ("DraftTemplate", said.DraftTemplateRequest(), ["template_id", "reader", "texts"]),
        (
            "DraftTemplate",
            said.DraftTemplateRequest(
                template_id="x-y", reader=CANARY, texts=[said.ChannelText(channel=CANARY, subject="a\nb")]
            ),
            ["reader", "texts.0.channel", "texts.0.subject"],
        ),
        ("ApproveTemplate", said.ApproveTemplateRequest(), ["template_id", "template_version", "expected_version"]),
        ("RetireTemplate", said.RetireTemplateRequest(), ["template_id", "template_version", "expected_version"]),
        ("ListTemplates", said.ListTemplatesRequest(states=[CANARY]), ["states.0"]),
        ("LintText", said.LintTextRequest(use=CANARY), ["text", "use"]),
    ],
)
async def test_every_fault_comes_at_once(
    door: NotificationServiceStub, method: str, request_: Any, faults: list[str]
) -> None:
    answered = await refused(getattr(door, method)(request_, metadata=as_(SM)))

    assert answered.kind == "INV"
    assert sorted({fault.path for fault in answered.fields}) == sorted(faults)


def texts(body: str) -> list[said.ChannelText]:
    return [said.ChannelText(channel="EMAIL", subject="Case {reference}", body=body)]


async def test_a_template_is_drafted_by_one_approved_by_another_and_takes_the_place_of_the_last(
    door: NotificationServiceStub, house: House
) -> None:
    request = said.DraftTemplateRequest(template_id="referral-received", reader="STAFF", texts=texts("We have it."))
    drafted = await door.DraftTemplate(request, metadata=as_(SM))
    assert (drafted.template_version, drafted.state, list(drafted.findings)) == (2, "LINTED", [])

    approving = said.ApproveTemplateRequest(
        template_id="referral-received", template_version=2, expected_version=drafted.version
    )
    own = await refused(door.ApproveTemplate(approving, metadata=as_(SM)))
    assert (own.kind, own.reason) == ("PRE", "second_person_required")
    await door.ApproveTemplate(approving, metadata=as_(SECOND_SM))

    listed = await door.ListTemplates(said.ListTemplatesRequest(template_id="referral-received"), metadata=as_(WORKER))
    assert [(t.template_version, t.state, t.approved_by) for t in listed.templates] == [
        (2, "APPROVED", "staff-sm-2"),
        (1, "RETIRED", "release"),
    ]


async def test_a_draft_with_words_that_hurt_is_not_approved(door: NotificationServiceStub) -> None:
    body = "The offender in case {reference} waits."  # codespell:ignore
    request = said.DraftTemplateRequest(template_id="new-one", reader="STAFF", texts=texts(body))
    drafted = await door.DraftTemplate(request, metadata=as_(SM))
    [finding] = drafted.findings
    assert drafted.state == "DRAFT"
    assert (finding.code, finding.path, finding.prefer) == ("STIGMA", "texts.0.body", "person on probation")
    assert body[finding.starts_at : finding.starts_at + finding.length] == "offender"  # codespell:ignore

    approving = said.ApproveTemplateRequest(template_id="new-one", template_version=1, expected_version=drafted.version)
    answered = await refused(door.ApproveTemplate(approving, metadata=as_(SECOND_SM)))
    assert (answered.kind, answered.reason) == ("PRE", "stigma_lint")


async def test_all_staff_may_lint_a_text_and_nothing_of_it_is_kept(door: NotificationServiceStub, house: House) -> None:
    text = f"{CANARY} is an inmate, number 1234567890."  # codespell:ignore
    answer = await door.LintText(said.LintTextRequest(text=text, use="CASE_TEXT"), metadata=as_(WORKER))

    assert [finding.code for finding in answer.findings] == ["STIGMA", "LONG_NUMBER"]
    assert (answer.blocks, answer.pack_version) == (False, "1")
    for table in ("received", "audit", "journal"):
        for row in await house.rows(f"select t::text as held from {table} as t"):
            assert CANARY not in row["held"]
    guest = await refused(door.LintText(said.LintTextRequest(text="x", use="CASE_TEXT"), metadata=as_(PRACTITIONER)))
    assert guest.kind == "DENY"


async def test_a_retry_is_for_managers_and_operators(door: NotificationServiceStub, house: House) -> None:
    case = Case()
    await house.hear(case.submitted(), case)
    await house.pass_time(3 * DAYS)
    await house.fall_due()
    [row] = await house.notices(channel="EMAIL")
    request = said.RetryNoticeRequest(notice_id=str(row["id"]), expected_version=row["version"])
    request.use_by.FromDatetime(MONDAY + 5 * DAYS)

    assert (await refused(door.RetryNotice(request, metadata=as_(WORKER)))).kind == "DENY"
    await door.RetryNotice(request, metadata=as_(SM))
    [row] = await house.notices(channel="EMAIL")
    assert (row["status"], row["use_by"]) == ("SCHEDULED", MONDAY + 5 * DAYS)
