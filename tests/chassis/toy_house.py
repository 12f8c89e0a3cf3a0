"""Two toy services of one house: one tells of its things, the other remembers what it heard."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from chassis.access import by
from chassis.hearing import Heard, Hears
from chassis.journal import Publications
from chassis.projection import Row
from chassis.promises import Deadlines, Keep, Make, Promise
from chassis.rpc import Form, Servicer, calling, serves
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.work import Work, Works, query
from tests.chassis.toy import PUBLICATIONS, Begun, Ended, ThingWork, begin, end
from throughcare.details.v1 import service_pb2, service_pb2_grpc
from throughcare.referral.v1.events_pb2 import ReferralDrafted, ReferralWithdrawn

MIGRATIONS = "tests.chassis.toy_migrations"
SEEN = Table(
    "seen",
    MetaData(),
    Column("key", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
)


@query("thing.ask", by("SM"))
async def ask_thing(work: Work) -> None: ...


class Borrowed(service_pb2_grpc.DetailServiceServicer):
    """A contract of which one method is used: only its shape matters. The others have to be written all the same."""

    @serves(ask_thing)
    async def GetDetail(self, request: Any, context: Any) -> Any: ...  # noqa: N802

    @serves(ask_thing)
    async def ListNames(self, request: Any, context: Any) -> Any: ...  # noqa: N802


class Things(Borrowed):
    """Begins a thing."""

    def __init__(self, works: Works[Any]) -> None:
        self.works = works

    @serves(begin)
    async def GetContact(self, request: Any, context: Any) -> Any:  # noqa: N802
        form = Form(request)
        note = form.text("case_id", limit=200)
        form.done()
        answer = await self.works.do(begin, calling(context, request), note=note)
        return service_pb2.GetContactResponse(address=answer["id"], preferred_name=answer["case"])


@query("seen.list", by("SM"))
async def list_seen(work: Work) -> str:
    rows = await work.conn.fetch("select key from seen order by key")
    return " ".join(row["key"] for row in rows)


class Seen(Borrowed):
    """Says what was heard."""

    def __init__(self, works: Works[Any]) -> None:
        self.works = works

    @serves(list_seen)
    async def GetContact(self, request: Any, context: Any) -> Any:  # noqa: N802
        answer = await self.works.ask(list_seen, calling(context, request))
        return service_pb2.GetContactResponse(address=answer)


def deadlines() -> Deadlines:
    """A thing is ended by the house when three days have passed."""
    made = Deadlines()
    made.on(Begun)(lambda fact: [Make("L1", due_at=fact.at + timedelta(days=3))])
    made.on(Ended)(lambda _: [Keep("L1")])

    @made.due("L1")
    async def too_late(work: Any, promise: Promise) -> None:
        await end.inside(work, id=promise.aggregate_id, note="nobody came")

    return made


def hearing() -> Hears:
    """The things of the other service, by case."""
    made = Hears("casework", tables=[SEEN])

    @made.projection(ReferralDrafted, ReferralWithdrawn)
    def seen(heard: Heard[Any]) -> list[Row]:
        return [Row(SEEN, {"key": heard.key, "state": type(heard.message).__name__, "seq": heard.seq})]

    return made


def telling(settings: ServiceSettings) -> Service:
    """The service that tells."""

    def servicers(works: Works[Any]) -> list[Servicer]:
        return [Things(works)]

    return Service(
        name="referral",
        settings=settings,
        work=ThingWork,
        publications=PUBLICATIONS,
        hears=(),
        deadlines=deadlines(),
        servicers=servicers,
        migrations=MIGRATIONS,
    )


def remembering(settings: ServiceSettings) -> Service:
    """The service that hears."""

    def servicers(works: Works[Any]) -> list[Servicer]:
        return [Seen(works)]

    return Service(
        name="casework",
        settings=settings,
        work=ThingWork,
        publications=Publications("casework"),
        hears=(hearing(),),
        deadlines=Deadlines(),
        servicers=servicers,
        migrations=MIGRATIONS,
    )


def case_of(answer: Any) -> UUID:
    """The case of a thing that was begun."""
    return UUID(answer.preferred_name)
