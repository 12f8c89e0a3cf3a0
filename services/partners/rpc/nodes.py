"""The doors to nodes: what people of the house ask of them, and what other nodes ask of this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis.aggregate import Unmet
from chassis.rpc import NODES, Form, calling, calling_node, page, serves
from chassis.shares import Signer, stub_of
from partners.commands import nodes as commands
from partners.queries import nodes as queries
from partners.rpc.shown import stamp
from partners.storage.shares import inbox_of
from throughcare.chassis.v1.service_pb2 import Header
from throughcare.partners.v1 import nodes_pb2 as said
from throughcare.partners.v1.nodes_pb2_grpc import NodeServiceServicer
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceServicer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import grpc

    from chassis.work import Works

    Context = grpc.aio.ServicerContext[Any, Any]


def _node(seen: queries.NodeSeen) -> said.Node:
    node = seen.node
    return said.Node(
        node_id=node.node_id,
        org_id=node.org_id,
        state=node.status,
        keys=[
            said.NodeKey(
                key_id=key.key_id,
                public_key=key.public_key,
                since=stamp(key.since),
                taken_until=stamp(key.taken_until),
            )
            for key in node.keys
        ],
        rpc_address=node.rpc_address,
        authority_fingerprint=node.authority,
        schema_versions=node.schema_versions,
        registered_at=stamp(node.registered_at),
        last_heard_at=stamp(seen.last_heard_at),
        version=node.version,
    )


def _quarantined(seen: queries.QuarantinedSeen) -> said.Quarantined:
    return said.Quarantined(
        topic=seen.topic,
        partition=seen.partition,
        offset=seen.offset,
        claimed_source=seen.source,
        reason=seen.reason,
        digest=seen.digest,
        at=stamp(seen.at),
    )


def _which(request: Any) -> dict[str, Any]:
    """The node a change is about, at the version the caller has seen."""
    form = Form(request)
    given = {"node_id": form.opaque("node_id"), "expected": form.version()}
    form.done()
    return given


class NodeServicer(PartnerServiceServicer):
    """What is asked of and about nodes."""

    works: Works[Any]

    @serves(commands.register_node)
    async def RegisterNode(self, request: said.RegisterNodeRequest, context: Context) -> said.RegisterNodeResponse:
        """RegisterNode."""
        form = Form(request)
        given = {
            "node_id": form.opaque("node_id"),
            "org_id": form.opaque("org_id"),
            "public_key": request.public_key,
            "rpc_address": form.line("rpc_address", limit=260),
            "authority": request.authority_fingerprint,
            "schema_versions": tuple(request.schema_versions),
        }
        form.done()
        version = await self.works.do(commands.register_node, calling(context, request), **given)
        return said.RegisterNodeResponse(version=version)

    @serves(commands.rotate_node_key)
    async def RotateNodeKey(self, request: said.RotateNodeKeyRequest, context: Context) -> said.RotateNodeKeyResponse:
        """RotateNodeKey."""
        form = Form(request)
        given = {
            "node_id": form.opaque("node_id"),
            "public_key": request.public_key,
            "overlap_until": form.instant_or_none("overlap_until"),
            "expected": form.version(),
        }
        form.done()
        version = await self.works.do(commands.rotate_node_key, calling(context, request), **given)
        return said.RotateNodeKeyResponse(version=version)

    @serves(commands.suspend_node)
    async def SuspendNode(self, request: said.SuspendNodeRequest, context: Context) -> said.SuspendNodeResponse:
        """SuspendNode."""
        version = await self.works.do(commands.suspend_node, calling(context, request), **_which(request))
        return said.SuspendNodeResponse(version=version)

    @serves(commands.resume_node)
    async def ResumeNode(self, request: said.ResumeNodeRequest, context: Context) -> said.ResumeNodeResponse:
        """ResumeNode."""
        version = await self.works.do(commands.resume_node, calling(context, request), **_which(request))
        return said.ResumeNodeResponse(version=version)

    @serves(commands.retire_node)
    async def RetireNode(self, request: said.RetireNodeRequest, context: Context) -> said.RetireNodeResponse:
        """RetireNode."""
        version = await self.works.do(commands.retire_node, calling(context, request), **_which(request))
        return said.RetireNodeResponse(version=version)

    @serves(queries.get_node)
    async def GetNode(self, request: said.GetNodeRequest, context: Context) -> said.GetNodeResponse:
        """GetNode."""
        form = Form(request)
        node_id = form.opaque("node_id")
        form.done()
        seen = await self.works.ask(queries.get_node, calling(context, request), node_id=node_id)
        return said.GetNodeResponse(node=_node(seen))

    @serves(queries.list_nodes)
    async def ListNodes(self, request: said.ListNodesRequest, context: Context) -> said.ListNodesResponse:
        """ListNodes."""
        call = calling(context, request)
        asked = page(request.page_size, request.page_token, filter=(), call=call)
        after = asked.after[0] if asked.after else None
        found = await self.works.ask(queries.list_nodes, call, after=after, most=asked.size + 1)
        kept, following = asked.cut(found, lambda seen: (seen.node.node_id,))
        return said.ListNodesResponse(nodes=[_node(seen) for seen in kept], next_page_token=following)

    @serves(queries.list_quarantined)
    async def ListQuarantined(
        self, request: said.ListQuarantinedRequest, context: Context
    ) -> said.ListQuarantinedResponse:
        """ListQuarantined."""
        call = calling(context, request)
        asked = page(request.page_size, request.page_token, filter=(), call=call)
        before = asked.after[0] if asked.after else None
        found = await self.works.ask(queries.list_quarantined, call, before=before, most=asked.size + 1)
        kept, following = asked.cut(found, lambda seen: (seen.nth,))
        return said.ListQuarantinedResponse(
            quarantined=[_quarantined(seen) for seen in kept], next_page_token=following
        )


class NodeService(NodeServiceServicer):
    """What the gate of another node asks: what this one has told it, again."""

    def __init__(self, works: Works[Any]) -> None:
        self.works = works

    @serves(queries.count_shares, queries.read_shares, NODES)
    async def ReadShares(
        self, request: said.ReadSharesRequest, context: Context
    ) -> AsyncIterator[said.ReadSharesResponse]:
        """The total, then the messages, in pieces that hold no transaction open between them."""
        form = Form(request)
        given = {"topic": request.topic, "key": request.key}
        after = form.count(from_ := "from_sequence" if request.key else "from_position", most=1 << 62)
        form.done()
        call, (node, authority) = calling(context, request), calling_node()
        total = await self.works.ask(queries.count_shares, call, **given, after=after, authority=authority)
        yield said.ReadSharesResponse(total=total)
        topic, signer = request.topic or inbox_of(node), self._signer()
        while True:
            found = await self.works.ask(queries.read_shares, call, **given, after=after, authority=authority)
            for told in found:
                yield _signed(signer, topic, told)
            if len(found) < queries.CHUNK:
                return
            after = found[-1].sequence + 1 if from_ == "from_sequence" else found[-1].position

    def _signer(self) -> Signer:
        file = self.works.settings.node_key_file
        if file is None:
            raise Unmet("node_key_missing", "This house has no key to sign with, so it tells others nothing.")
        return Signer.load(file)


def _signed(signer: Signer, topic: str, told: queries.Told) -> said.ReadSharesResponse:
    """As on the bus; where its basis has ended, its place alone."""
    headers = signer.signed(topic, told.key, stub_of(told.headers) if told.stub else told.headers, told.value)
    return said.ReadSharesResponse(
        position=told.position,
        key=told.key,
        headers=[Header(name=name, value=value) for name, value in headers],
        value=told.value,
    )
