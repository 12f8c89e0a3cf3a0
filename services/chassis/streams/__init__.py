"""The messages of a batch, stream by stream: duplicate, next, gap, parked; and what handling each one comes to.

Per (group, topic, key) a watermark says what has been applied (grade G2). A message below it is a duplicate, the
next one is applied, a later one is held until the gap is filled from its source's journal. An outcome is Applied,
Ignored, Parked or a fault; there is no other.
"""

from chassis.streams.applying import FAULTS, Streams
from chassis.streams.between import UNKNOWN_SENDER
from chassis.streams.items import Item, recorded
from chassis.streams.releasing import retry

__all__ = ["FAULTS", "UNKNOWN_SENDER", "Item", "Streams", "recorded", "retry"]
