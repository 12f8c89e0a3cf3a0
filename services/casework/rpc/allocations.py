"""The door to allocations: who is proposed, named, named instead, covers; who waits for a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from casework import queries
from casework.commands import allocation as commands
from casework.domain.allocation.aggregate import AllocationStatus
from casework.rpc import shown
from chassis.rpc import Form, calling, page, serves
from throughcare.casework.v1 import service_pb2 as said
from throughcare.casework.v1.service_pb2_grpc import CaseworkServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.work import Works

    Context = grpc.aio.ServicerContext[Any, Any]


def _naming(form: Form) -> dict[str, Any]:
    return {
        "allocation_id": form.uuid("allocation_id"),
        "worker_ref": form.opaque("worker_ref"),
        "conflict_declared": form.flag("conflict_declared"),
        "expected": form.version(),
    }


class AllocationServicer(CaseworkServiceServicer):
    """What is asked about who works with whom."""

    works: Works[Any]

    @serves(commands.propose_worker)
    async def ProposeWorker(self, request: said.ProposeWorkerRequest, context: Context) -> said.ProposeWorkerResponse:
        form = Form(request)
        given = _naming(form)
        form.done()
        version = await self.works.do(commands.propose_worker, calling(context, request), **given)
        return said.ProposeWorkerResponse(version=version)

    @serves(commands.allocate_worker)
    async def AllocateWorker(
        self, request: said.AllocateWorkerRequest, context: Context
    ) -> said.AllocateWorkerResponse:
        form = Form(request)
        given = _naming(form)
        form.done()
        version = await self.works.do(commands.allocate_worker, calling(context, request), **given)
        return said.AllocateWorkerResponse(version=version)

    @serves(commands.reallocate_worker)
    async def ReallocateWorker(
        self, request: said.ReallocateWorkerRequest, context: Context
    ) -> said.ReallocateWorkerResponse:
        form = Form(request)
        given = _naming(form) | {
            "reason": form.text("reason", limit=shown.REASON),
            "handover": shown.recorded(form.part_or_none("handover")),
        }
        form.done()
        version = await self.works.do(commands.reallocate_worker, calling(context, request), **given)
        return said.ReallocateWorkerResponse(version=version)

    @serves(commands.hand_over_caseload)
    async def HandOverCaseload(
        self, request: said.HandOverCaseloadRequest, context: Context
    ) -> said.HandOverCaseloadResponse:
        form = Form(request)
        given = {
            "from_worker": form.opaque("from_worker_ref"),
            "to_worker": form.opaque("to_worker_ref"),
            "reason": form.text("reason", limit=shown.REASON),
            "handover": shown.recorded(form.part_or_none("handover")),
        }
        form.done()
        count = await self.works.do(commands.hand_over_caseload, calling(context, request), **given)
        return said.HandOverCaseloadResponse(handed_over=count)

    @serves(commands.set_worker_cover)
    async def SetWorkerCover(
        self, request: said.SetWorkerCoverRequest, context: Context
    ) -> said.SetWorkerCoverResponse:
        form = Form(request)
        given = {
            "allocation_id": form.uuid("allocation_id"),
            "cover_ref": form.opaque("cover_ref"),
            "starts_on": form.date("starts_on"),
            "ends_on": form.date("ends_on"),
            "expected": form.version(),
        }
        form.done()
        version = await self.works.do(commands.set_worker_cover, calling(context, request), **given)
        return said.SetWorkerCoverResponse(version=version)

    @serves(queries.list_allocations)
    async def ListAllocations(
        self, request: said.ListAllocationsRequest, context: Context
    ) -> said.ListAllocationsResponse:
        form, call = Form(request), calling(context, request)
        wanted = {
            "case_id": form.uuid_or_none("case_id"),
            "status": form.code_or_none("status", AllocationStatus),
            "needs_worker": form.flag("needs_worker"),
        }
        form.done()
        asked = page(request.page_size, request.page_token, filter=wanted, call=call)
        found = await self.works.ask(queries.list_allocations, call, **wanted, size=asked.size, after=asked.after)
        rows, token = asked.cut(found.rows, lambda row: (row["accepted_at"], row["id"]))
        allocations = [shown.allocation(row) for row in rows]
        return said.ListAllocationsResponse(allocations=allocations, next_page_token=token, total=found.total)
