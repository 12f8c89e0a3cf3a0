"""The door for systems: a gRPC server that refuses to start where a method declares no permission, and its client."""

from chassis.rpc.client import acting_as, channel
from chassis.rpc.declared import HOUSE_ALONE, NODES, Servicer, Undeclared, serves
from chassis.rpc.forms import Form, uuid_of
from chassis.rpc.identity import calling, calling_node
from chassis.rpc.paging import Page, page
from chassis.rpc.refusals import Answered, error_of
from chassis.rpc.server import LARGEST_REQUEST, RpcServer

__all__ = [
    "HOUSE_ALONE",
    "LARGEST_REQUEST",
    "NODES",
    "Answered",
    "Form",
    "Page",
    "RpcServer",
    "Servicer",
    "Undeclared",
    "acting_as",
    "calling",
    "calling_node",
    "channel",
    "error_of",
    "page",
    "serves",
    "uuid_of",
]
