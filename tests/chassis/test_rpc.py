"""The gRPC door over real sockets with real certificates: who may come in, what a call must bring, how no is said."""

# ruff: noqa: N802, ASYNC109, PT012 - the contract's names, gRPC's own timeout, streams that raise while they are read

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import grpc
import pytest
from google.protobuf import descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from chassis import telemetry
from chassis.access import Actor, Purpose, Role, by
from chassis.aggregate import Conflict, Denied, Exhausted, Exists, Fault, Invalid, NotFound, Unmet
from chassis.certificates import Authority, Files, fingerprint, urn
from chassis.rpc import (
    HOUSE_ALONE,
    NODES,
    RpcServer,
    Undeclared,
    acting_as,
    calling,
    calling_node,
    channel,
    error_of,
    page,
    serves,
)
from chassis.settings import ServiceSettings
from chassis.work import command, query
from throughcare.chassis.v1 import service_pb2 as journal_pb2
from throughcare.chassis.v1 import service_pb2_grpc as journal_grpc
from throughcare.details.v1 import service_pb2 as details_pb2
from throughcare.details.v1 import service_pb2_grpc as details_grpc

TODAY = datetime.now(UTC)
NODE = "together"
WEB = urn(NODE, "web")
CANARY = "Canary-7731"
MANAGER = Actor(id="staff-sm-1", role=Role.SM, organisation="together", purpose=Purpose.OPERATE)


@query("test.ask", by("SM, SYSTEM"))
async def ask(work): ...


@command("test.change", by("SM, SYSTEM"))
async def change(work): ...


class Borrowed(details_grpc.DetailServiceServicer):
    """A contract of which one method is tried; the others have to be written all the same."""

    @serves(ask)
    async def GetDetail(self, request, context): ...

    @serves(ask)
    async def ListNames(self, request, context): ...


class Details(Borrowed):
    """Answers with what the test says, and remembers the calls."""

    def __init__(self, answer=None):
        self.answer, self.calls = answer, []

    @serves(ask)
    async def GetContact(self, request, context):
        self.calls.append(calling(context, request))
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer(request, self.calls[-1])
        return details_pb2.GetContactResponse(address="a@b.example")


class Changes(Details):
    @serves(change)
    async def GetContact(self, request, context):
        return await super().GetContact(request, context)


class Journal(journal_grpc.JournalServiceServicer):
    """A stream that ends as the test says."""

    def __init__(self, name="", error=None, *, endless=False, size=0):
        self.name, self.error, self.endless, self.size = name, error, endless, size
        self.closed = asyncio.Event()

    @serves(HOUSE_ALONE)
    async def Read(self, request, context):
        try:
            yield journal_pb2.ReadResponse(total=2, key=self.name)
            if self.error:
                raise self.error
            while self.endless:
                await asyncio.sleep(0 if self.size else 0.01)
                yield journal_pb2.ReadResponse(position=1, value=b"x" * self.size)
        finally:
            self.closed.set()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority.make(tmp_path_factory.mktemp("ca"), "test", at=TODAY)


@pytest.fixture
def settings_of(tmp_path, authority):
    (tmp_path / "key").write_text("ab" * 32)

    def make(files, **changes):
        given = {
            "node_id": NODE,
            "node_organisation": "together",
            "database_url": "postgresql://nowhere/none",
            "bus_kind": "kafka",
            "bus_servers": "127.0.0.1:9",
            "bus_security": "SSL",
            "wrapping_key_file": tmp_path / "key",
            "house_key_file": tmp_path / "key",
            "may_assert": frozenset({WEB}),
            "ca_file": files.ca if files else None,
            "certificate_file": files.certificate if files else None,
            "key_file": files.key if files else None,
        }
        return ServiceSettings(**given | changes)

    return make


@pytest.fixture
def serving(settings_of, authority):
    """`async with serving(Details()) as door:` and `door(files)` is a channel under a certificate."""

    @asynccontextmanager
    async def serve(*servicers, more=None, **changes):
        settings = settings_of(authority.service(NODE, "referral", at=TODAY), **changes)
        server = RpcServer(settings, {"referral": servicers, **(more or {})})
        port = await server.start()
        opened = []

        def door(files=None, service="referral"):
            files = files or authority.client(NODE, "web", at=TODAY)
            # Called as another house would: its own calls to its own services trust its own authority alone.
            ours = fingerprint(authority.certificate)
            made = channel(settings_of(files), service, address=f"127.0.0.1:{port}", authority=ours)
            opened.append(made)
            return made

        door.port, door.server = port, server
        try:
            yield door
        finally:
            for each in opened:
                await each.close()
            await server.stop(1)

    return serve


def bundled(folder, *authorities):
    """All of these are trusted."""
    bundle = folder / "bundle.pem"
    bundle.write_bytes(b"".join(each.file.read_bytes() for each in authorities))
    return bundle


async def contact(door, *, metadata=None, timeout=5.0, request=None):
    stub = details_grpc.DetailServiceStub(door)
    request = request or details_pb2.GetContactRequest(case_id=CANARY)
    return await stub.GetContact(
        request, metadata=acting_as(MANAGER) if metadata is None else metadata, timeout=timeout
    )


async def refused(door, **given):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await contact(door, **given)
    assert CANARY not in str(caught.value)
    assert CANARY.encode() not in b"".join(v for _, v in caught.value.trailing_metadata() or () if isinstance(v, bytes))
    return caught.value.code(), error_of(caught.value)


# ---- who may come in ----


async def test_a_person_is_believed_from_a_certificate_that_may_assert(serving):
    key, correlation = uuid4(), uuid4()
    async with serving(servicer := Details()) as door:
        await contact(door(), metadata=acting_as(MANAGER, key=key, correlation_id=correlation))

    [call] = servicer.calls
    assert call.actor == MANAGER
    assert (call.key, call.correlation_id) == (key, correlation)


async def test_a_service_of_the_house_calls_as_itself(serving, authority):
    peers = {"casework": "127.0.0.1:1"}
    async with serving(servicer := Details(), peers=peers) as door:
        await contact(door(authority.service(NODE, "casework", at=TODAY)), metadata=())

    [call] = servicer.calls
    assert (call.actor.id, call.actor.role, call.actor.organisation) == ("casework", Role.SYSTEM, "together")


async def test_no_certificate_a_foreign_one_and_an_expired_one_are_refused_before_any_call(
    serving, authority, tmp_path
):
    foreign = Authority.make(tmp_path / "foreign", "foreign", at=TODAY).client(NODE, "web", at=TODAY)
    expired = authority.client(NODE, "expired", at=TODAY - timedelta(days=30), days=1)
    trust = authority.file.read_bytes()
    async with serving(servicer := Details()) as door:
        target = f"127.0.0.1:{door.port}"
        for pair in (
            (None, None),
            (foreign.key.read_bytes(), foreign.certificate.read_bytes()),
            (expired.key.read_bytes(), expired.certificate.read_bytes()),
        ):
            async with grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(trust, *pair)) as bare:
                code, _ = await refused(bare, timeout=2)
                assert code is grpc.StatusCode.UNAVAILABLE
        async with grpc.aio.insecure_channel(target) as plain:
            code, _ = await refused(plain, timeout=2)
            assert code is grpc.StatusCode.UNAVAILABLE

    assert servicer.calls == []


@pytest.mark.parametrize(("node", "name"), [(NODE, "stranger"), ("other-house", "web"), ("other-house", "casework")])
async def test_a_name_that_is_neither_of_this_house_nor_registered_is_refused(serving, authority, node, name):
    async with serving(servicer := Details(), peers={"casework": "127.0.0.1:1"}) as door:
        code, said = await refused(door(authority.client(node, name, at=TODAY)))

    assert (code, said.reason) == (grpc.StatusCode.PERMISSION_DENIED, "unknown_certificate")
    assert servicer.calls == []


async def test_a_service_may_not_name_a_person_unless_it_may_assert(serving, authority):
    async with serving(servicer := Details(), peers={"casework": "127.0.0.1:1"}) as door:
        code, said = await refused(door(authority.service(NODE, "casework", at=TODAY)))

    assert (code, said.reason) == (grpc.StatusCode.PERMISSION_DENIED, "may_not_assert")
    assert servicer.calls == []


async def test_nobody_asserts_the_house_itself(serving):
    system = Actor(id="x", role=Role.SYSTEM, organisation="together")
    async with serving(Details()) as door:
        code, said = await refused(door(), metadata=acting_as(system))

    assert (code, said.reason) == (grpc.StatusCode.PERMISSION_DENIED, "may_not_assert")


def test_plaintext_outside_the_embedded_profile_does_not_start(settings_of, authority):
    with pytest.raises(ValueError, match="certificate_file"):
        settings_of(None)
    embedded = settings_of(None, embedded_profile=True, rpc_host="0.0.0.0")  # noqa: S104 - to be refused
    with pytest.raises(TypeError, match="loopback"):
        RpcServer(embedded, {"referral": [Details()]})
    with pytest.raises(TypeError, match="plaintext"):
        unsafe = embedded.model_copy(update={"embedded_profile": False})
        channel(unsafe, "referral", address="127.0.0.1:1")


async def test_a_key_file_is_readable_by_its_owner_alone(authority):
    files = authority.service(NODE, "referral", at=TODAY)

    assert {path.stat().st_mode & 0o777 for path in (files.key, authority.folder / "ca.key")} == {0o600}


# ---- what each call must bring ----


async def test_a_call_without_a_deadline_is_refused_with_a_sentence(serving, authority):
    files = authority.client(NODE, "web", at=TODAY)
    credentials = grpc.ssl_channel_credentials(*(p.read_bytes() for p in (files.ca, files.key, files.certificate)))
    async with serving(Details()) as door, grpc.aio.secure_channel(f"127.0.0.1:{door.port}", credentials) as bare:
        code, said = await refused(bare, timeout=None)

    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert said.fields == (Fault("deadline", "REQUIRED"),)
    assert "deadline" in said.sentence


async def test_our_own_channel_sets_a_deadline_where_none_is_given(serving):
    async with serving(servicer := Details()) as door:
        await contact(door(), timeout=None)

    assert len(servicer.calls) == 1


async def test_everything_wrong_with_the_metadata_is_said_at_once(serving):
    bad = (
        ("actor-id", CANARY),
        ("actor-role", CANARY),
        ("purpose", "NONE"),
        ("idempotency-key", CANARY),
        ("correlation-id", "{00000000-0000-0000-0000-000000000000}"),
    )
    async with serving(Details()) as door:
        code, said = await refused(door(), metadata=bad)

    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert set(said.fields) == {
        Fault("actor-id", "INVALID_FORMAT"),
        Fault("actor-role", "UNKNOWN_CODE"),
        Fault("actor-organisation", "REQUIRED"),
        Fault("purpose", "UNKNOWN_CODE"),
        Fault("idempotency-key", "INVALID_FORMAT"),
        Fault("correlation-id", "INVALID_FORMAT"),
    }


async def test_a_command_needs_a_key_and_a_question_does_not(serving):
    keyless = tuple(pair for pair in acting_as(MANAGER) if pair[0] != "idempotency-key")
    async with serving(Changes()) as door:
        _, said = await refused(door(), metadata=keyless)
    async with serving(Details()) as door:
        await contact(door(), metadata=keyless)

    assert said.fields == (Fault("idempotency-key", "REQUIRED"),)


async def test_what_the_house_alone_asks_is_denied_to_a_person(serving, authority):
    read = journal_pb2.ReadRequest(topic="together.referral.v1")
    async with serving(Journal(), peers={"casework": ""}) as door:
        own = journal_grpc.JournalServiceStub(door(authority.service(NODE, "casework", at=TODAY)))
        answers = [answer async for answer in own.Read(read)]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            [_ async for _ in journal_grpc.JournalServiceStub(door()).Read(read, metadata=acting_as(MANAGER))]

    assert [answer.total for answer in answers] == [2]
    assert error_of(caught.value).reason == "house_alone"


async def test_a_request_over_256_kib_is_refused(serving):
    async with serving(servicer := Details()) as door:
        code, _ = await refused(door(), request=details_pb2.GetContactRequest(case_id="x" * 300_000))

    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert servicer.calls == []


async def test_the_same_body_has_the_same_fingerprint_for_one_person_alone(serving):
    other = Actor(id="staff-sm-2", role=Role.SM, organisation="together")
    async with serving(servicer := Details()) as door:
        await contact(door())
        await contact(door())
        await contact(door(), metadata=acting_as(other))
        await contact(door(), request=details_pb2.GetContactRequest(case_id="another"))

    first, again, others, another = (call.fingerprint for call in servicer.calls)
    assert first == again
    assert len({first, others, another}) == 3


# ---- how no is said ----


@pytest.mark.parametrize(
    ("refusal", "code", "kind"),
    [
        (Invalid(Fault("a.0.b", "TOO_LONG"), Fault("c", "REQUIRED")), grpc.StatusCode.INVALID_ARGUMENT, "INV"),
        (Unmet("no_duty", "Nobody is on duty.", policy_version="p7"), grpc.StatusCode.FAILED_PRECONDITION, "PRE"),
        (Denied(), grpc.StatusCode.PERMISSION_DENIED, "DENY"),
        (NotFound(), grpc.StatusCode.NOT_FOUND, "NF"),
        (Exists("has_one", "There is one.", reference="r-1"), grpc.StatusCode.ALREADY_EXISTS, "DUP"),
        (Conflict(), grpc.StatusCode.ABORTED, "CONF"),
        (Exhausted("too_often", "Wait.", retry_after=2.5), grpc.StatusCode.RESOURCE_EXHAUSTED, "EXH"),
    ],
)
async def test_every_refusal_comes_back_as_it_was_said(serving, refusal, code, kind):
    correlation = uuid4()
    async with serving(Details(refusal)) as door:
        found, said = await refused(door(), metadata=acting_as(MANAGER, correlation_id=correlation))

    assert found is code
    assert (said.kind, said.reason, said.sentence) == (kind, refusal.reason, refusal.sentence)
    assert said.fields == refusal.fields
    assert said.policy_version == refusal.policy_version
    assert said.correlation_id == str(correlation)
    assert said.reference == getattr(refusal, "reference", "")
    assert said.retry_after == refusal.retry_after


async def test_missing_and_hidden_differ_in_the_reference_of_the_call_alone(serving):
    correlation = uuid4()
    seen = []
    for refusal in (NotFound(), NotFound()):
        async with serving(Details(refusal)) as door:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await contact(door(), metadata=acting_as(MANAGER, correlation_id=correlation))
            seen.append((caught.value.code(), caught.value.details(), tuple(caught.value.trailing_metadata())))

    assert seen[0] == seen[1]


@pytest.mark.logs_errors("A call failed")
async def test_a_fault_says_nothing_but_a_reference_that_the_log_holds(serving, caplog):
    correlation = uuid4()
    async with serving(Details(RuntimeError(CANARY))) as door:
        code, said = await refused(door(), metadata=acting_as(MANAGER, correlation_id=correlation))

    assert (code, said.reason) == (grpc.StatusCode.INTERNAL, "internal")
    assert said.correlation_id == str(correlation)
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert str(correlation) in logged
    assert "RuntimeError" in logged
    assert CANARY not in logged


@pytest.mark.parametrize(
    "fault", [asyncpg.ConnectionDoesNotExistError(CANARY), TimeoutError(CANARY), ConnectionResetError(CANARY)]
)
async def test_a_database_that_is_away_is_unavailable_and_may_be_tried_again(serving, fault):
    async with serving(servicer := Details(fault)) as door:
        code, said = await refused(door())

    assert (code, said.reason, said.retry_after) == (grpc.StatusCode.UNAVAILABLE, "unavailable", 1.0)
    assert len(servicer.calls) == 3  # tried again, with the same key, by the channel
    assert len({call.key for call in servicer.calls}) == 1


async def test_a_stream_that_refuses_half_way_says_why(serving, authority):
    async with serving(Journal(error=Unmet("needs_upgrade", "Upgrade.")), peers={"casework": ""}) as door:
        stub = journal_grpc.JournalServiceStub(door(authority.service(NODE, "casework", at=TODAY)))
        got = []
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for answer in stub.Read(journal_pb2.ReadRequest()):
                got.append(answer.total)  # noqa: PERF401 - the stream ends by raising

    assert got == [2]
    assert error_of(caught.value).reason == "needs_upgrade"


@pytest.mark.parametrize("size", [0, 1_000_000])
async def test_a_stream_whose_reader_goes_away_is_closed(serving, authority, size):
    """While it looks for more, and while it waits for a reader who reads too slowly."""
    async with serving(journal := Journal(endless=True, size=size), peers={"casework": ""}) as door:
        stub = journal_grpc.JournalServiceStub(door(authority.service(NODE, "casework", at=TODAY)))
        reading = stub.Read(journal_pb2.ReadRequest())
        await reading.read()
        await asyncio.sleep(0.2)
        reading.cancel()
        async with asyncio.timeout(5):
            await journal.closed.wait()


# ---- what the server is made of ----


def test_a_method_without_a_permission_keeps_the_server_from_starting(settings_of, authority):
    class Forgot(details_grpc.DetailServiceServicer):
        async def GetContact(self, request, context): ...

    class Missing(details_grpc.DetailServiceServicer): ...

    class Sync(details_grpc.DetailServiceServicer):
        @serves(ask)
        def GetContact(self, request, context): ...

    settings = settings_of(authority.service(NODE, "referral", at=TODAY))
    for servicer, why in ((Forgot(), "declares no permission"), (Missing(), "is not written"), (Sync(), "async")):
        with pytest.raises(Undeclared, match=rf"throughcare.details.v1.DetailService.GetContact.*{why}"):
            RpcServer(settings, {"referral": [servicer]})
    with pytest.raises(Undeclared):
        serves("referral.accept")


async def test_health_and_reflection_are_answered(serving, authority):
    async with serving(Details()) as door:
        health = health_pb2_grpc.HealthStub(door())
        answered = [
            await health.Check(health_pb2.HealthCheckRequest(service=name))
            for name in ("", "throughcare.details.v1.DetailService")
        ]
        names = await asyncio.to_thread(_reflected, door.port, authority.client(NODE, "web", at=TODAY))

    assert {answer.status for answer in answered} == {health_pb2.HealthCheckResponse.SERVING}
    assert "throughcare.details.v1.DetailService" in names


def _reflected(port, files):
    credentials = grpc.ssl_channel_credentials(*(p.read_bytes() for p in (files.ca, files.key, files.certificate)))
    with grpc.secure_channel(f"127.0.0.1:{port}", credentials) as sync:
        database = ProtoReflectionDescriptorDatabase(sync)
        found = descriptor_pool.DescriptorPool(database).FindServiceByName("throughcare.details.v1.DetailService")
        assert [method.name for method in found.methods] == ["GetContact", "GetDetail", "ListNames"]
        return list(database.get_services())


async def test_two_services_of_one_process_answer_the_same_rpc_each_for_itself(serving, authority):
    own = authority.service(NODE, "partners", at=TODAY)
    async with serving(Journal("referral"), more={"casework": [Journal("casework")]}, peers={"partners": ""}) as door:
        for service in ("referral", "casework"):
            stub = journal_grpc.JournalServiceStub(door(own, service))
            assert [answer.key async for answer in stub.Read(journal_pb2.ReadRequest())] == [service]
    async with serving(Journal("referral"), peers={"partners": ""}) as door:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            [_ async for _ in journal_grpc.JournalServiceStub(door(own, "casework")).Read(journal_pb2.ReadRequest())]

    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_calls_under_way_end_before_the_server_does(serving):
    begun = asyncio.Event()

    class Slow(Details):
        @serves(ask)
        async def GetContact(self, request, context):
            begun.set()
            await asyncio.sleep(0.3)
            return details_pb2.GetContactResponse(address="late@b.example")

    async with serving(Slow()) as door:
        under_way = asyncio.create_task(contact(door()))
        await begun.wait()
        await door.server.stop(5)
        answer = await under_way
        code, _ = await refused(door(), timeout=1)

    assert answer.address == "late@b.example"
    assert code is grpc.StatusCode.UNAVAILABLE


async def test_one_trace_runs_from_the_caller_through_the_door(serving):
    with telemetry.collected() as spans:
        async with serving(servicer := Details()) as door:
            with telemetry.span("click") as click:
                await contact(door())

    assert servicer.calls[0].traceparent[:35] == click.traceparent[:35]
    assert servicer.calls[0].traceparent != click.traceparent
    names = [span.name for span in spans.get_finished_spans()]
    assert names == ["/throughcare.details.v1.DetailService/GetContact", "click"]


# ---- pages of a list ----


async def test_a_page_token_leads_on_for_its_own_caller_and_filter_alone(serving):
    last, seen, filters = (datetime(2026, 11, 24, tzinfo=UTC), UUID(int=7), CANARY), [], ["open"]

    def answer(request, call):
        found = page(int(request.channel or 0), request.recipient, filter=("kind", filters[0]), call=call)
        seen.append(found)
        return details_pb2.GetContactResponse(address=found.next_token(last))

    def asked(token="", size=""):
        return details_pb2.GetContactRequest(recipient=token, channel=size)

    other = Actor(id="staff-sm-2", role=Role.SM, organisation="together")
    async with serving(Details(answer)) as door:
        token = (await contact(door(), request=asked())).address
        await contact(door(), request=asked(token, "500"))
        refusals = [
            await refused(door(), request=asked(token), metadata=acting_as(other)),
            await refused(door(), request=asked(token[:-6] + "AAAAAA")),
            await refused(door(), request=asked("é")),
            await refused(door(), request=asked(size="-1")),
        ]
        filters[0] = "closed"
        refusals.append(await refused(door(), request=asked(token)))

    assert [(found.size, found.after) for found in seen] == [(50, None), (200, last)]
    assert CANARY not in token
    paths = [said.fields for _, said in refusals]
    token_fault = (Fault("page_token", "INVALID_FORMAT"),)
    assert paths == [token_fault, token_fault, token_fault, (Fault("page_size", "OUT_OF_RANGE"),), token_fault]


async def test_a_page_token_of_another_house_key_is_old(serving, tmp_path):
    def answer(request, call):
        found = page(0, request.recipient, filter=(), call=call)
        return details_pb2.GetContactResponse(address=found.next_token((1,)))

    (tmp_path / "next").write_text("cd" * 32)
    async with serving(Details(answer)) as door:
        token = (await contact(door(), request=details_pb2.GetContactRequest())).address
    async with serving(Details(answer), house_key_file=tmp_path / "next") as door:
        code, said = await refused(door(), request=details_pb2.GetContactRequest(recipient=token))

    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert said.fields == (Fault("page_token", "INVALID_FORMAT"),)


# ---- other nodes ----


@query("test.ask_as_node", by("NODE"))
async def ask_as_node(work): ...


class Gates(Details):
    """Answers to the gates of other nodes alone."""

    @serves(ask_as_node, NODES)
    async def GetContact(self, request, context):
        self.calls.append((calling(context, request), calling_node()))
        return details_pb2.GetContactResponse()


async def test_the_gate_of_another_node_calls_as_that_node(serving, authority):
    async with serving(servicer := Gates()) as door:
        await contact(door(authority.service("north-london-nhs", "partners", at=TODAY)), metadata=())

    [(call, (node, issuer))] = servicer.calls
    assert (call.actor.id, call.actor.role, call.actor.organisation) == (
        "north-london-nhs", Role.NODE, "north-london-nhs",
    )  # fmt: skip
    assert (node, issuer) == ("north-london-nhs", fingerprint(authority.certificate))


@pytest.mark.parametrize(
    ("node", "name"), [("north-london-nhs", "casework"), ("north-london-nhs", "web"), ("other", "partners-too")]
)
async def test_nobody_else_of_another_node_may_call(serving, authority, node, name):
    async with serving(servicer := Gates()) as door:
        code, said = await refused(door(authority.service(node, name, at=TODAY)), metadata=())

    assert (code, said.reason) == (grpc.StatusCode.PERMISSION_DENIED, "unknown_certificate")
    assert servicer.calls == []


async def test_the_gate_of_another_node_may_call_nothing_else(serving, authority):
    files = authority.service("north-london-nhs", "partners", at=TODAY)
    async with serving(servicer := Details()) as door:
        code, said = await refused(door(files), metadata=())

    assert (code, said.reason) == (grpc.StatusCode.PERMISSION_DENIED, "unknown_certificate")
    assert servicer.calls == []


async def test_what_other_nodes_ask_is_denied_to_the_house_and_to_its_people(serving, authority):
    async with serving(servicer := Gates(), peers={"partners": ""}) as door:
        own = await refused(door(authority.service(NODE, "partners", at=TODAY)), metadata=())
        person = await refused(door())

    assert [said.reason for _, said in (own, person)] == ["nodes_alone", "nodes_alone"]
    assert servicer.calls == []


async def test_a_gate_acts_for_no_person_and_no_person_acts_as_a_gate(serving, authority):
    gate = Actor(id="north-london-nhs", role=Role.NODE, organisation="north-london-nhs")
    async with serving(servicer := Gates()) as door:
        files = authority.service("north-london-nhs", "partners", at=TODAY)
        asserting = await refused(door(files), metadata=acting_as(MANAGER))
        pretending = await refused(door(), metadata=acting_as(gate))

    assert [said.reason for _, said in (asserting, pretending)] == ["may_not_assert", "may_not_assert"]
    assert servicer.calls == []


async def test_of_several_trusted_authorities_the_one_that_issued_is_named(serving, authority, tmp_path):
    partners_own = Authority.make(tmp_path / "own", "partner", at=TODAY)
    bundle = bundled(tmp_path, authority, partners_own)
    theirs = partners_own.service("north-london-nhs", "partners", at=TODAY)
    async with serving(servicer := Gates(), ca_file=bundle) as door:
        # The partner trusts the house's authority, the house that of the partner.
        await contact(door(Files(authority.file, theirs.certificate, theirs.key)), metadata=())

    [(_, (_, issuer))] = servicer.calls
    assert issuer == fingerprint(partners_own.certificate)


@pytest.mark.parametrize("name", ["web", "referral", "partners", "operator"])
async def test_a_name_of_the_house_counts_from_its_own_authority_alone(serving, authority, tmp_path, name):
    other = Authority.make(tmp_path / "own", "partner", at=TODAY)
    bundle = bundled(tmp_path, other, authority)
    forged = other.service(NODE, name, at=TODAY)
    async with serving(servicer := Details(), peers={"partners": ""}, ca_file=bundle) as door:
        code, said = await refused(door(Files(authority.file, forged.certificate, forged.key)))
        await contact(door())

    assert (code, said.reason) == (grpc.StatusCode.PERMISSION_DENIED, "unknown_certificate")
    assert len(servicer.calls) == 1


async def test_a_service_of_the_house_must_prove_itself_with_its_own_authority(settings_of, authority, tmp_path):
    other = Authority.make(tmp_path / "own", "partner", at=TODAY)
    bundle = bundled(tmp_path, other, authority)
    server = RpcServer(
        settings_of(other.service(NODE, "referral", at=TODAY), ca_file=bundle), {"referral": [Details()]}
    )
    port = await server.start()
    settings = settings_of(
        authority.client(NODE, "web", at=TODAY), ca_file=bundle, peers={"referral": f"127.0.0.1:{port}"}
    )
    try:
        async with channel(settings, "referral") as door:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await contact(door, timeout=2)
    finally:
        await server.stop(0)

    assert caught.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}


def test_a_certificate_of_an_authority_that_is_not_trusted_serves_and_calls_nothing(settings_of, authority, tmp_path):
    other = Authority.make(tmp_path / "own", "partner", at=TODAY)
    settings = settings_of(other.service(NODE, "referral", at=TODAY), ca_file=authority.file)

    with pytest.raises(ValueError, match="ca_file"):
        RpcServer(settings, {"referral": [Details()]})
    with pytest.raises(ValueError, match="ca_file"):
        channel(settings, "referral", address="127.0.0.1:1")
    with pytest.raises(ValueError, match="ca_file"):
        channel(settings, "referral", address="127.0.0.1:1", authority=fingerprint(other.certificate))


def test_a_method_for_other_nodes_names_what_judges_them():
    with pytest.raises(Undeclared, match="judges"):
        serves(NODES)
