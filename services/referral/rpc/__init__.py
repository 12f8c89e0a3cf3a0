"""ReferralService: each method parses, gives one command or asks one question, and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral.rpc.details import DetailService
from referral.rpc.evidence import ConsentServicer, EvidenceServicer
from referral.rpc.merges import MergeServicer
from referral.rpc.people import PersonServicer, PractitionerServicer
from referral.rpc.programmes import ProgrammeServicer
from referral.rpc.referrals import ReferralServicer
from throughcare.referral.v1.service_pb2_grpc import ReferralServiceServicer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chassis.rpc import Servicer
    from chassis.work import Works
    from referral.storage import Work


class ReferralService(
    ProgrammeServicer,
    ReferralServicer,
    PersonServicer,
    MergeServicer,
    PractitionerServicer,
    ConsentServicer,
    EvidenceServicer,
    ReferralServiceServicer,
):
    """What may be asked of the front door."""

    def __init__(self, works: Works[Work]) -> None:
        self.works = works


def servicers(works: Works[Work]) -> Sequence[Servicer]:
    """What this service answers."""
    return (ReferralService(works), DetailService(works))
