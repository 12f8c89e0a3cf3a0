"""CaseworkService: request → command or question → answer, method by method under the contract's names."""

from __future__ import annotations

from typing import Any

from casework.rpc.allocations import AllocationServicer
from casework.rpc.appointments import AppointmentServicer
from casework.rpc.details import DetailService
from casework.rpc.engagements import EngagementServicer
from casework.rpc.questions import QuestionServicer
from casework.rpc.workers import WorkerServicer
from chassis.work import Works

__all__ = ["CaseworkService", "DetailService"]


class CaseworkService(WorkerServicer, AllocationServicer, EngagementServicer, AppointmentServicer, QuestionServicer):
    """Every method of the contract."""

    def __init__(self, works: Works[Any]) -> None:
        self.works = works
