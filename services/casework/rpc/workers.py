"""The door to workers: registered, trained, cleared, suspended, listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from casework import queries
from casework.commands import worker as commands
from casework.domain.worker import MOST_PLACES, SuspendReason, TrainingTopic, WorkerRole, WorkerStatus
from casework.rpc import shown
from chassis.rpc import Form, calling, page, serves
from throughcare.casework.v1 import service_pb2 as said
from throughcare.casework.v1.service_pb2_grpc import CaseworkServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.work import Works

    Context = grpc.aio.ServicerContext[Any, Any]


class WorkerServicer(CaseworkServiceServicer):
    """What is asked about workers."""

    works: Works[Any]

    @serves(commands.register_worker)
    async def RegisterWorker(
        self, request: said.RegisterWorkerRequest, context: Context
    ) -> said.RegisterWorkerResponse:
        form = Form(request)
        given = {
            "worker_ref": form.opaque("worker_ref"),
            "role": form.code("role", WorkerRole),
            "organisation": form.opaque("organisation"),
            "capacity": form.count("capacity", most=MOST_PLACES),
        }
        form.done()
        answer = await self.works.do(commands.register_worker, calling(context, request), **given)
        return said.RegisterWorkerResponse(**answer)

    @serves(commands.record_training_complete)
    async def RecordTrainingComplete(
        self, request: said.RecordTrainingCompleteRequest, context: Context
    ) -> said.RecordTrainingCompleteResponse:
        form = Form(request)
        given = {
            "worker_ref": form.opaque("worker_ref"),
            "topics": form.codes("topics", TrainingTopic),
            "completed_on": form.date("completed_on"),
            "valid_to": form.date("valid_to"),
            "expected": form.version(),
        }
        if not request.topics:
            form.fault("topics", "REQUIRED")
        form.done()
        version = await self.works.do(commands.record_training_complete, calling(context, request), **given)
        return said.RecordTrainingCompleteResponse(version=version)

    @serves(commands.clear_worker)
    async def ClearWorker(self, request: said.ClearWorkerRequest, context: Context) -> said.ClearWorkerResponse:
        form = Form(request)
        given = {
            "worker_ref": form.opaque("worker_ref"),
            "vetting_valid_to": form.date("vetting_valid_to"),
            "induction": shown.recorded(form.part_or_none("induction")),
            "expected": form.version(),
        }
        form.done()
        answer = await self.works.do(commands.clear_worker, calling(context, request), **given)
        return said.ClearWorkerResponse(**answer)

    @serves(commands.set_capacity)
    async def SetCapacity(self, request: said.SetCapacityRequest, context: Context) -> said.SetCapacityResponse:
        form = Form(request)
        given = {
            "worker_ref": form.opaque("worker_ref"),
            "capacity": form.count("capacity", most=MOST_PLACES),
            "expected": form.version(),
        }
        form.done()
        version = await self.works.do(commands.set_capacity, calling(context, request), **given)
        return said.SetCapacityResponse(version=version)

    @serves(commands.suspend_worker)
    async def SuspendWorker(self, request: said.SuspendWorkerRequest, context: Context) -> said.SuspendWorkerResponse:
        form = Form(request)
        given = {
            "worker_ref": form.opaque("worker_ref"),
            "reason": form.code("reason", SuspendReason),
            "expected": form.version(),
        }
        form.done()
        version = await self.works.do(commands.suspend_worker, calling(context, request), **given)
        return said.SuspendWorkerResponse(version=version)

    @serves(queries.list_workers)
    async def ListWorkers(self, request: said.ListWorkersRequest, context: Context) -> said.ListWorkersResponse:
        form, call = Form(request), calling(context, request)
        status = form.code_or_none("status", WorkerStatus)
        form.done()
        asked = page(request.page_size, request.page_token, filter=request.status, call=call)
        found = await self.works.ask(queries.list_workers, call, status=status, size=asked.size, after=asked.after)
        rows, token = asked.cut(found.rows, lambda row: (row["worker_ref"],))
        workers = [shown.worker(row, found.on) for row in rows]
        return said.ListWorkersResponse(workers=workers, next_page_token=token, total=found.total)
