"""The door to the directory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chassis.aggregate import Fault, Invalid
from chassis.rpc import Form, calling, page, serves
from partners.commands import directory as commands
from partners.domain.codes import BOROUGHS, Aspect, Gender
from partners.domain.directory import Found, Wanted
from partners.domain.listing import source_of
from partners.domain.offer import Capacity
from partners.gateways import open_referral
from partners.gateways.open_referral.files import LARGEST
from partners.queries import directory as queries
from partners.rpc.offers import shown
from throughcare.partners.v1 import offers_pb2 as said
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceServicer

if TYPE_CHECKING:
    from datetime import datetime

    import grpc

    from chassis.work import Works
    from partners.gateways.open_referral import ReadRecord

    Context = grpc.aio.ServicerContext[Any, Any]


def _wanted(form: Form) -> Wanted:
    borough = form.line("borough", limit=16, required=False)
    if borough and borough not in BOROUGHS:
        form.fault("borough", "UNKNOWN_CODE")
    return Wanted(
        aspects=form.codes("aspect_codes", Aspect),
        borough=borough or None,
        age=form.count_or_none("age", most=120),
        gender=form.code_or_none("gender", Gender),
        licence_months=form.count_or_none("licence_months", most=1200),
        capacities=form.codes("capacities", Capacity),
        words=form.line("words", limit=200, required=False),
        fitting_only=form.flag("fitting_only"),
    )


def _found(found: Found, at: datetime) -> said.OfferFound:
    return said.OfferFound(
        offer=shown(found.candidate, at),
        fits=found.fits,
        fits_by=found.fits_by,
        misfits=found.misfits,
        to_check=found.to_check,
    )


class DirectoryServicer(PartnerServiceServicer):
    """What is asked of the directory as a whole."""

    works: Works[Any]

    @serves(queries.search_offers)
    async def SearchOffers(self, request: said.SearchOffersRequest, context: Context) -> said.SearchOffersResponse:
        """SearchOffers."""
        form, call = Form(request), calling(context, request)
        wanted = _wanted(form)
        form.done()
        asked = page(request.page_size, request.page_token, filter=wanted, call=call)
        found, at = await self.works.ask(
            queries.search_offers, call, wanted=wanted, after=asked.after, most=asked.size + 1
        )
        kept, following = asked.cut(found, lambda placed: placed[0])
        return said.SearchOffersResponse(found=[_found(each, at) for _, each in kept], next_page_token=following)

    @serves(commands.import_directory)
    async def ImportDirectory(
        self, requests: AsyncIterator[said.ImportDirectoryRequest], context: Context
    ) -> AsyncIterator[said.ImportDirectoryResponse]:
        """The pieces are one file; its records are taken in one work."""
        first, content = await _whole(requests)
        form = Form(first)
        aspects = form.codes("aspect_codes", Aspect)
        form.done()
        source_of(first.source)
        # Not in the loop of the process: a large file takes a while.
        read = await asyncio.to_thread(_read, content, aspects)
        # The ids at the source make it happen once: they outlive every key.
        call = replace(calling(context, first), key=None)
        answers = await self.works.do(commands.import_directory, call, source=first.source, read=read)
        for nth, answer in enumerate(answers, start=1):
            faults = [said.RecordFault(path=each.path, code=each.code, mend=each.mend) for each in answer.faults]
            yield said.ImportDirectoryResponse(
                record=nth, source_id=answer.source_id, outcome=answer.outcome, faults=faults
            )

    @serves(queries.export_directory)
    async def ExportDirectory(
        self, request: said.ExportDirectoryRequest, context: Context
    ) -> said.ExportDirectoryResponse:
        """ExportDirectory."""
        call = calling(context, request)
        asked = page(request.page_size, request.page_token, filter=(), call=call)
        after = asked.after[0] if asked.after else None
        found = await self.works.ask(queries.export_directory, call, after=after, most=asked.size + 1)
        kept, following = asked.cut(found, lambda offer: (offer.id,))
        services = [json.dumps(open_referral.written(offer), ensure_ascii=False) for offer in kept]
        return said.ExportDirectoryResponse(services=services, next_page_token=following)


async def _whole(requests: AsyncIterator[said.ImportDirectoryRequest]) -> tuple[said.ImportDirectoryRequest, bytes]:
    """The first piece, which says what it is, and the file."""
    first, content = None, bytearray()
    async for request in requests:
        first = first or request
        content += request.piece
        if len(content) > LARGEST:
            raise Invalid(Fault("piece", "TOO_LONG"), sentence="Split it into files of at most 20 MiB.")
    if first is None:
        raise Invalid(Fault("piece", "REQUIRED"))
    return said.ImportDirectoryRequest(source=first.source, aspect_codes=first.aspect_codes), bytes(content)


def _read(content: bytes, aspects: tuple[Aspect, ...]) -> Sequence[ReadRecord | None]:
    try:
        found = open_referral.records(content)
    except open_referral.Unreadable as unreadable:
        raise Invalid(Fault("piece", unreadable.code), sentence=unreadable.mend) from None
    return [None if each is None else open_referral.read(each, aspects=aspects or (Aspect.OTHER,)) for each in found]
