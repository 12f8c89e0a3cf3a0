"""Bus → batch → one transaction → offsets: each event has its effect exactly once.

Offsets live in PostgreSQL and move by compare-and-set in the transaction of the effects, so a member that has lost
its partition changes nothing. A message that cannot be handled is parked with every later one of its key; all other
keys flow. A fault of infrastructure rolls back, seeks back and tries again. Nothing here raises into FastStream.
"""

from chassis.inbox.member import Inbox
from chassis.inbox.offsets import Fenced, accept_bus

__all__ = ["Fenced", "Inbox", "accept_bus"]
