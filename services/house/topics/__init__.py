"""The topic registry `deploy/bus/topics.yaml`: read for some houses, made on a bus, and compared with what is there."""

from house.topics.applying import apply
from house.topics.comparing import Difference, compare
from house.topics.registry import REGISTRY, Reader, Registry, Topic, User, registry

__all__ = [
    "REGISTRY",
    "Difference",
    "Reader",
    "Registry",
    "Topic",
    "User",
    "apply",
    "compare",
    "registry",
]
