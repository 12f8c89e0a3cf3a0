"""Asking the owner of a case for an address: every answer is certain, since nothing has left."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from chassis.aggregate import Denied, NotFound
from chassis.rpc import HOUSE_ALONE, RpcServer, serves
from notifications.domain.codes import Channel, Failure, Kind
from notifications.domain.letter import Answer, Outcome
from notifications.gateways.details import Details
from tests.notifications.house import settings
from tests.notifications.test_gateways import a_letter
from throughcare.details.v1 import service_pb2 as said
from throughcare.details.v1.service_pb2_grpc import DetailServiceServicer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class Owner(DetailServiceServicer):
    """Stands where the referral service does: a server of the house that answers, refuses or breaks."""

    def __init__(self, answers: Any) -> None:
        self.answers, self.asked = answers, []

    @serves(HOUSE_ALONE)
    async def GetContact(self, request: said.GetContactRequest, context: Any) -> said.GetContactResponse:  # noqa: N802
        """As it was told."""
        self.asked.append((request, dict(context.invocation_metadata())))
        if isinstance(self.answers, BaseException):
            raise self.answers
        return said.GetContactResponse(address=self.answers)

    @serves(HOUSE_ALONE)
    async def GetDetail(self, request: said.GetDetailRequest, context: Any) -> said.GetDetailResponse:  # noqa: N802
        """Not asked here."""
        raise NotFound

    @serves(HOUSE_ALONE)
    async def ListNames(self, request: said.ListNamesRequest, context: Any) -> said.ListNamesResponse:  # noqa: N802
        """Not asked here."""
        raise NotFound


@asynccontextmanager
async def asking(folder: Path, answers: Any) -> AsyncIterator[tuple[Details, Owner]]:
    owner, given = Owner(answers), settings(folder, "postgresql://nowhere/x")
    server = RpcServer(given, {"referral": [owner]})
    details = Details(given, address=f"127.0.0.1:{await server.start()}")
    yield details, owner
    await details.close()
    await server.stop(0)


async def test_it_asks_for_one_purpose_as_the_house_and_hands_the_address_on(tmp_path: Path) -> None:
    letter = a_letter(Channel.EMAIL, kind=Kind.PRACTITIONER)
    async with asking(tmp_path, "pp@probation.example") as (details, owner):
        assert await details.of(letter) == "pp@probation.example"

    [(request, metadata)] = owner.asked
    assert (request.case_id, request.recipient, request.channel) == (str(letter.case_id), "PRACTITIONER", "EMAIL")
    assert metadata["purpose"] == "DELIVER_SUPPORT"
    assert "actor-id" not in metadata


async def test_the_man_himself_is_asked_for_as_such(tmp_path: Path) -> None:
    async with asking(tmp_path, "him@x.example") as (details, owner):
        await details.of(a_letter(Channel.EMAIL, kind=Kind.PERSON))
    assert owner.asked[0][0].recipient == "PERSON"


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (NotFound(), Outcome(answer=Answer.NEVER, reason=Failure.NO_ADDRESS)),
        ("", Outcome(answer=Answer.NEVER, reason=Failure.NO_ADDRESS)),
        (Denied(), Outcome(answer=Answer.BROKEN, reason=Failure.MISCONFIGURED)),
        (ConnectionResetError(), Outcome(answer=Answer.NOT_NOW, reason=Failure.UNREACHABLE)),
    ],
)
async def test_whatever_the_owner_says_is_certain(tmp_path: Path, answers: Any, outcome: Outcome) -> None:
    async with asking(tmp_path, answers) as (details, _):
        assert await details.of(a_letter(kind=Kind.PRACTITIONER)) == outcome


async def test_an_owner_who_is_away_is_asked_again_later(tmp_path: Path) -> None:
    details = Details(settings(tmp_path, "postgresql://nowhere/x"), address="127.0.0.1:1")

    assert await details.of(a_letter(kind=Kind.PRACTITIONER)) == Outcome(
        answer=Answer.NOT_NOW, reason=Failure.UNREACHABLE
    )
    await details.close()


async def test_a_letter_about_no_case_has_nobody_to_ask(tmp_path: Path) -> None:
    details = Details(settings(tmp_path, "postgresql://nowhere/x"))

    assert await details.of(a_letter(case_id=None)) == Outcome(answer=Answer.NEVER, reason=Failure.NO_ADDRESS)
