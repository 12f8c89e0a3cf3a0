"""People who turned out to be one man: asked and agreed to by two service managers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis.rpc import Form, calling, serves
from referral import commands, queries
from referral.domain.merge import MergeReason, UnmergeReason
from referral.rpc.evidence import listed
from referral.rpc.fields import filled
from throughcare.referral.v1 import service_pb2 as pb
from throughcare.referral.v1.service_pb2_grpc import ReferralServiceServicer

if TYPE_CHECKING:
    from chassis.work import Works
    from referral.storage import Work


class MergeServicer(ReferralServiceServicer):
    """Joined, and taken apart again."""

    works: Works[Work]

    @serves(commands.merge_people)
    async def MergePeople(self, request: pb.MergePeopleRequest, context: Any) -> pb.MergePeopleResponse:
        form = Form(request)
        merge_id = form.uuid_or_none("merge_id")
        asking = merge_id is None
        given = {
            "merge_id": merge_id,
            "from_person_id": form.uuid("from_person_id") if asking else None,
            "to_person_id": form.uuid("to_person_id") if asking else None,
            "reason": form.code("reason", MergeReason) if asking else None,
            "expected": None if asking else form.version(),
        }
        form.done()
        found = await self.works.do(commands.merge_people, calling(context, request), **given)
        return filled(pb.MergePeopleResponse, found)  # type: ignore[no-any-return]

    @serves(commands.unmerge)
    async def Unmerge(self, request: pb.UnmergeRequest, context: Any) -> pb.UnmergeResponse:
        form = Form(request)
        given = {
            "merge_id": form.uuid("merge_id"),
            "reason": form.code_or_none("reason", UnmergeReason),
            "expected": form.version(),
        }
        form.done()
        found = await self.works.do(commands.unmerge, calling(context, request), **given)
        return filled(pb.UnmergeResponse, found)  # type: ignore[no-any-return]

    @serves(queries.list_merges)
    async def ListMerges(self, request: pb.ListMergesRequest, context: Any) -> pb.ListMergesResponse:
        kept, token = await listed(self.works, queries.list_merges, request, context, "merge_id", needed=False)
        return pb.ListMergesResponse(merges=[filled(pb.Merge, each) for each in kept], next_page_token=token)
