"""The door to detail between houses: what is judged at the moment of reading, and what is written down of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import grpc
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.access import Actor, Purpose, Role
from chassis.certificates import Authority
from chassis.database import Database
from chassis.rpc import error_of
from chassis.rpc.assertion import METADATA
from chassis.shares import Signer
from partners.commands import agreements, nodes
from partners.commands import handoffs as commands
from partners.domain.handoff.codes import Category, Reason
from partners.rpc import DetailService
from tests.partners.detail_doors import LET_KNOW, NAME, OURS, TRUST, WOMEN, Door, People, a_door, current, offered
from tests.partners.houses import House
from tests.support.postgres import fresh_database
from throughcare.details.v1 import service_pb2 as said
from throughcare.partners.v1 import handoffs_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOTHING = "There is nothing here that you may see. Check the reference."


@pytest_asyncio.fixture
async def door(two_houses: tuple[House, House], postgres_url: str, tmp_path: Path) -> AsyncIterator[Door]:
    authority = Authority.make(tmp_path / "ca", "test", at=datetime.now(UTC))
    async with fresh_database(postgres_url, "partners.migrations") as url:
        database = await Database(url).open()
        try:
            third = House(WOMEN, database, tmp_path)
            async with a_door(*two_houses, third, tmp_path, authority) as made:
                yield made
        finally:
            await database.close()


@pytest.fixture
def two_houses(two_strangers: tuple[House, House]) -> tuple[House, House]:
    """They are introduced to each other with their real keys and addresses."""
    return two_strangers


# What may be known.


async def test_what_he_lets_be_known_is_read_where_it_is_kept_and_written_down_at_both_ends(door: Door) -> None:
    answer = await People(door).read()

    assert (answer.detail.preferred_name, tuple(answer.categories)) == (NAME, LET_KNOW)
    assert door.owners.asked == [(door.pair.person_id, LET_KNOW)]
    about = (str(door.handoff_id), "read")
    reader = (door.reader.id, TRUST, "HANDOFF")
    assert await door.audit(door.pair.theirs, "handoff.read_detail") == [(*reader, *about)]
    assert await door.audit(door.pair.ours, "detail.get") == [(*reader, *about)]
    assert await door.disclosed() == [(TRUST, LET_KNOW, "")]
    (made,) = await door.pair.ours.rows("select * from disclosure order by judged_at desc, id desc limit 1")
    assert (made["purpose"], made["detail_ref"]) == ("HANDOFF", await door.ref())
    assert made["bases"]["isa_id"] == str(door.pair.isa_id)


async def test_what_it_is_read_for_is_known_to_the_owners_too(door: Door) -> None:
    supporting = Actor(id=door.reader.id, role=Role.PW, organisation=TRUST, purpose=Purpose.DELIVER_SUPPORT)

    await door.ask()
    await door.ask(user=supporting)

    assert door.owners.purposes == ["HANDOFF", "DELIVER_SUPPORT"]
    (last,) = await door.pair.ours.rows("select purpose from disclosure order by judged_at desc, id desc limit 1")
    assert last["purpose"] == "DELIVER_SUPPORT"


async def test_one_reads_what_one_asks_for_and_no_category_that_was_not_handed_on(door: Door) -> None:
    some = await People(door).read(categories=["APPOINTMENTS", "RISK_SUMMARY"])
    assert list(some.categories) == ["APPOINTMENTS"]
    assert not some.detail.preferred_name

    with pytest.raises(grpc.aio.AioRpcError) as nothing:
        await People(door).read(categories=["PLAN_GOALS"])
    assert nothing.value.code() is grpc.StatusCode.NOT_FOUND


async def test_he_lets_less_be_known_and_less_is_read_at_once(door: Door) -> None:
    await door.pair.ours.agrees(door.pair.person_id, TRUST, "CONTACT_DETAILS", version=2)

    answer = await door.ask()

    assert list(answer.categories) == ["CONTACT_DETAILS"]
    assert not answer.detail.appointments
    assert (await door.disclosed())[-2:] == [
        (TRUST, ("APPOINTMENTS",), "consent_missing"), (TRUST, ("CONTACT_DETAILS",), ""),
    ]  # fmt: skip


# What may not, and looks like what is not there.


async def _withdrawn(door: Door) -> dict[str, Any]:
    await door.pair.ours.withdraws(door.pair.person_id, TRUST)
    return {}


async def _suspended(door: Door) -> dict[str, Any]:
    ours = door.pair.ours
    (isa,) = await ours.rows("select version from sharing_agreement where id = $1", door.pair.isa_id)
    await ours.do(agreements.suspend_isa, ours.guardian, isa_id=door.pair.isa_id, expected=isa["version"])
    return {}


async def _organisation_listed(door: Door) -> dict[str, Any]:
    await door.pair.ours.lists(door.pair.person_id, "DENY", TRUST)
    return {}


async def _reader_listed(door: Door) -> dict[str, Any]:
    await door.pair.ours.lists(door.pair.person_id, "DENY", door.reader.id)
    return {}


async def _others_alone_may(door: Door) -> dict[str, Any]:
    await door.pair.ours.lists(door.pair.person_id, "ALLOW", "staff-sm-together")
    return {}


async def _other_purpose(door: Door) -> dict[str, Any]:
    return {"user": Actor(id=door.reader.id, role=Role.PW, organisation=TRUST, purpose=Purpose.EVALUATION)}


async def _other_employer(door: Door) -> dict[str, Any]:
    return {"user": Actor(id="staff-pw-9", role=Role.PW, organisation="probation", purpose=Purpose.HANDOFF)}


async def _stale(door: Door) -> dict[str, Any]:
    await door.pair.ours.wind(seconds=61)
    return {}


async def _held(door: Door) -> dict[str, Any]:
    await door.pair.ours.rows(
        "insert into parked (grp, topic, key, type, headers, reason, sentence, parked_at)"
        " values ('together.gate', 'together.referral.v1', $1, 'x', '[]', 'x', 'x', house_now()) returning 1",
        str(door.pair.person_id),
    )
    return {}


async def _ended(door: Door) -> dict[str, Any]:
    await door.pair.they(commands.decline_handoff, door.handoff_id, reason=Reason.NO_CAPACITY, note="")
    await door.pair.exchange()
    return {}


async def _another_house(door: Door) -> dict[str, Any]:
    user = Actor(id="staff-pw-5", role=Role.PW, organisation=WOMEN, purpose=Purpose.HANDOFF)
    return {"by": door.third, "user": user}


async def _not_handed_on(door: Door) -> dict[str, Any]:
    return {"categories": ["PLAN_GOALS"]}


@pytest.mark.parametrize(
    "what",
    [
        _withdrawn, _suspended, _organisation_listed, _reader_listed, _others_alone_may, _other_purpose,
        _other_employer, _stale, _held, _ended, _another_house, _not_handed_on,
    ],
)  # fmt: skip
async def test_what_may_not_be_known_answers_to_the_last_byte_as_what_is_not_there(door: Door, what: Any) -> None:
    assert (await door.ask()).detail.preferred_name == NAME
    asked = len(door.owners.asked)
    ref = await door.ref()

    given = await what(door)
    hidden = await door.refusal(**({"ref": ref} | given))
    missing = await door.refusal(ref="ref-" + "z" * 26)

    assert hidden == missing
    assert hidden[:2] == ("NOT_FOUND", NOTHING)
    assert len(door.owners.asked) == asked
    last = (await door.audit(door.pair.ours, "detail.get"))[-2]
    assert last[-1] == "refused:not_found"


async def test_a_list_of_one_reader_leaves_his_colleagues_as_they_were(door: Door) -> None:
    await _reader_listed(door)

    colleague = Actor(id="staff-pw-2", role=Role.PW, organisation=TRUST, purpose=Purpose.HANDOFF)
    assert (await door.ask(user=colleague)).detail.preferred_name == NAME


async def test_each_refusal_of_a_reading_is_a_fact_with_its_condition(door: Door) -> None:
    await _withdrawn(door)
    await door.refusal()

    assert (await door.disclosed())[-1] == (TRUST, LET_KNOW, "consent_missing")


async def test_the_key_of_a_reading_answers_nothing_later(door: Door) -> None:
    """A key makes one change of a command sent twice; a reading is judged each time, whatever key it carries."""
    key, token = uuid4(), await door.word()
    assert (await door.ask(key=key, token=token)).detail.preferred_name == NAME
    people = People(door)
    own = uuid4()
    assert (await people.read(key=own)).detail.preferred_name == NAME

    await _withdrawn(door)

    assert (await door.refusal(key=key, token=token))[0] == "NOT_FOUND"
    with pytest.raises(grpc.aio.AioRpcError) as gone:
        await people.read(key=own)
    assert gone.value.code() is grpc.StatusCode.NOT_FOUND
    outcomes = [each[-1] for each in await door.audit(door.pair.theirs, "handoff.read_detail")]
    assert outcomes == ["read", "read", "refused:not_found"]


# Who asks, and for whom.


async def _bent(door: Door) -> dict[str, str]:
    stranger = Signer(Ed25519PrivateKey.generate())
    now = await door.pair.ours.now()
    system = Actor(id="partners", role=Role.SYSTEM, organisation=TRUST, purpose=Purpose.HANDOFF)
    return {
        "missing": "",
        "no token": "a.b.c",
        "expired": await door.word(at=now - timedelta(seconds=60)),
        "from the future": await door.word(at=now + timedelta(seconds=30)),
        "for another house": await door.word(to=WOMEN),
        "of another house": await door.word(by=door.third),
        "of another house, as if of this": await door.word(node=TRUST, signer=door.signer(door.third)),
        "under a key nobody knows": await door.word(signer=stranger),
        "for the house itself": await door.word(system),
    }


async def test_a_word_that_does_not_hold_reads_nothing_and_tells_nothing(door: Door) -> None:
    bent = await _bent(door)
    of_his = {name: await door.refusal(token=token) for name, token in bent.items()}
    of_nobody = {name: await door.refusal(token=token, ref="ref-" + "z" * 26) for name, token in bent.items()}

    assert of_his == of_nobody
    assert {each[0] for each in of_his.values()} == {"PERMISSION_DENIED"}
    assert len(set(of_his.values())) == 1
    assert door.owners.asked == []
    assert await door.disclosed() == []
    outcomes = [each[-1] for each in await door.audit(door.pair.ours, "detail.get")]
    assert outcomes == ["refused:assertion_refused"] * 2 * len(bent)


async def test_a_word_holds_for_one_minute_and_for_the_house_that_gave_it_alone(door: Door) -> None:
    token = await door.word()
    assert (await door.ask(token=token)).detail.preferred_name == NAME

    taken = await door.refusal(token=token, by=door.third)
    await door.pair.ours.wind(seconds=60)
    await current(door)
    late = await door.refusal(token=token)

    assert (taken[0], late[0]) == ("PERMISSION_DENIED", "PERMISSION_DENIED")
    assert (await door.ask()).detail.preferred_name == NAME


async def test_a_house_whose_authority_is_trusted_but_not_registered_of_it_reads_nothing(
    door: Door, tmp_path: Path
) -> None:
    """The door trusts several authorities; each could issue any name."""
    other = Authority.make(tmp_path / "other", "another", at=datetime.now(UTC))
    ours = door.pair.ours
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(door.authority.file.read_bytes() + other.file.read_bytes())
    ours.works.settings = ours.works.settings.model_copy(update={"ca_file": bundle})
    door.address = await door.serve(ours, DetailService(ours.works, door.owners))
    assert (await door.ask()).detail.preferred_name == NAME

    refused = await door.refusal(stub=await door.opened(door.pair.theirs, authority=other))

    assert refused[0] == "PERMISSION_DENIED"
    assert [each[-1] for each in await door.audit(ours, "detail.get")] == ["read", "refused:unknown_authority"]


async def test_an_authority_that_is_not_trusted_here_does_not_come_in_at_all(door: Door, tmp_path: Path) -> None:
    other = Authority.make(tmp_path / "other", "another", at=datetime.now(UTC))

    refused = await door.refusal(stub=await door.opened(door.pair.theirs, authority=other))

    assert refused[0] == "UNAVAILABLE"
    assert await door.audit(door.pair.ours, "detail.get") == []


async def test_another_service_of_that_house_is_not_its_gate(door: Door) -> None:
    refused = await door.refusal(stub=await door.opened(door.pair.theirs, name="casework"))

    assert refused[0] == "PERMISSION_DENIED"
    assert door.owners.asked == []


async def test_a_suspended_house_reads_nothing(door: Door) -> None:
    ours = door.pair.ours
    (row,) = await ours.rows("select version from node where node_id = $1", TRUST)
    await ours.do(nodes.suspend_node, ours.staff(Role.OPS), node_id=TRUST, expected=row["version"])

    assert (await door.refusal())[0] == "PERMISSION_DENIED"


# Names on lists.


async def names(door: Door, *refs: str) -> dict[str, str]:
    stub = await door.opened(door.pair.theirs)
    answer = await stub.ListNames(said.ListNamesRequest(detail_refs=refs), metadata=await door.beside())
    return {each.detail_ref: each.preferred_name for each in answer.names}


async def ref_of(door: Door, handoff_id: Any) -> str:
    return str((await door.pair.of(door.pair.ours, handoff_id))["detail_ref"])


async def test_of_a_list_those_are_named_who_may_be_and_of_the_others_nothing_is_said(door: Door) -> None:
    without_name = await ref_of(door, await offered(door, categories=(Category.APPOINTMENTS,)))
    ended = await offered(door)
    await door.pair.they(commands.decline_handoff, ended, reason=Reason.NO_CAPACITY, note="")
    await door.pair.exchange()
    refs = [await door.ref(), without_name, await ref_of(door, ended), "ref-" + "z" * 26, ""]

    named = await names(door, *refs)

    assert named == {refs[0]: NAME}
    (entry,) = await door.audit(door.pair.ours, "name.list")
    assert entry == (door.reader.id, TRUST, "HANDOFF", str(door.pair.person_id), "read")


async def test_a_list_asked_again_under_its_key_is_judged_again(door: Door) -> None:
    stub, ref, key = await door.opened(door.pair.theirs), await door.ref(), uuid4()
    asked = said.ListNamesRequest(detail_refs=[ref])
    beside = await door.beside(key=key)
    assert len((await stub.ListNames(asked, metadata=beside)).names) == 1
    await _withdrawn(door)

    assert list((await stub.ListNames(asked, metadata=beside)).names) == []


async def test_a_list_longer_than_a_page_is_refused_whole(door: Door) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await names(door, *(f"ref-{n}" for n in range(201)))

    fault = error_of(refused.value)
    assert [(each.path, each.code) for each in fault.fields] == [("detail_refs", "TOO_LONG")]


async def test_the_other_house_names_its_list_by_one_question_and_says_who_was_away(door: Door) -> None:
    more = await offered(door)
    people, asked = People(door), [str(door.handoff_id), str(more), str(uuid4())]

    named = await people.ask(handoffs_pb2.GetHandoffNamesRequest(handoff_ids=asked))

    assert {each.handoff_id: each.preferred_name for each in named.names} == dict.fromkeys(asked[:2], NAME)
    assert list(named.unreached) == []
    (entry,) = await door.audit(door.pair.theirs, "handoff.get_names")
    assert entry == (door.reader.id, TRUST, "HANDOFF", ",".join(sorted(asked[:2])), "read")
    assert len(await door.audit(door.pair.ours, "name.list")) == 1
    await door.pair.theirs.rows("update node set rpc_address = '127.0.0.1:1' where node_id = $1 returning 1", OURS)
    away = await people.ask(handoffs_pb2.GetHandoffNamesRequest(handoff_ids=asked))
    assert (list(away.names), list(away.unreached)) == ([], [OURS])


# The wall on the side that asks.


async def test_while_his_house_is_not_heard_nothing_of_him_is_asked_for(door: Door) -> None:
    for house in (door.pair.ours, door.pair.theirs):
        await house.wind(minutes=16)
    await door.pair.ours.hears(await door.pair.ours.confirms())

    with pytest.raises(grpc.aio.AioRpcError) as closed:
        await People(door).read()
    named = await People(door).ask(handoffs_pb2.GetHandoffNamesRequest(handoff_ids=[str(door.handoff_id)]))

    assert error_of(closed.value).reason == "feed_stale"
    assert list(named.names) == []
    assert await door.audit(door.pair.ours, "detail.get") == await door.audit(door.pair.ours, "name.list") == []


async def test_what_he_took_back_is_not_even_asked_for_once_that_is_heard(door: Door) -> None:
    await _withdrawn(door)
    await current(door)

    with pytest.raises(grpc.aio.AioRpcError) as closed:
        await People(door).read()

    assert error_of(closed.value).reason == "consent_missing"
    assert await door.audit(door.pair.ours, "detail.get") == []


# What the receiver asks is read in his house.


async def asked_back(door: Door) -> str:
    await door.pair.they(commands.request_handoff_information, door.handoff_id, items=("Which grant?",))
    await door.pair.exchange()
    return str((await door.pair.of(door.pair.theirs, door.handoff_id))["refs"][-1])


async def questions(door: Door) -> list[str]:
    """What the house that offered reads of the other's questions."""
    ours = door.pair.ours
    reader = Actor(id="staff-sm-1", role=Role.SM, organisation=OURS, purpose=Purpose.HANDOFF)
    (row,) = await ours.rows("select rpc_address from node where node_id = $1", TRUST)
    door.address = row["rpc_address"]
    stub = await door.opened(ours)
    token = await door.word(reader, by=ours, to=TRUST)
    request = said.GetDetailRequest(detail_ref=await door.ref())
    answer = await stub.GetDetail(request, metadata=[("idempotency-key", str(uuid4())), (METADATA, token)])
    assert not answer.HasField("detail")
    return [item for each in answer.written for item in each.items]


async def test_what_the_receiver_asks_is_read_in_his_house_while_they_agree(door: Door) -> None:
    await asked_back(door)
    assert await questions(door) == ["Which grant?"]

    await _suspended(door)
    await door.pair.exchange()

    with pytest.raises(grpc.aio.AioRpcError) as gone:
        await questions(door)
    assert gone.value.code() is grpc.StatusCode.NOT_FOUND
