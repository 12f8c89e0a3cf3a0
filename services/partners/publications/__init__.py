"""What partners tells, an aggregate a file. A fact that is not listed stays in the service."""

from partners.publications import nodes, organisations
from partners.publications.list import PUBLICATIONS

__all__ = ["PUBLICATIONS", "nodes", "organisations"]
