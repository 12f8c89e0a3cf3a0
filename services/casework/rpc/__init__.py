"""CaseworkService: request → command or question → answer, method by method under the contract's names."""

from __future__ import annotations

from typing import Any

from casework.rpc.allocations import Allocations
from casework.rpc.engagements import Engagements
from casework.rpc.questions import Questions
from casework.rpc.workers import Workers
from chassis.work import Works
from throughcare.casework.v1.service_pb2_grpc import CaseworkServiceServicer


class CaseworkService(Workers, Allocations, Engagements, Questions, CaseworkServiceServicer):
    """Every method of the contract."""

    def __init__(self, works: Works[Any]) -> None:
        self.works = works
