"""The gate's group: what this house hears of others, and of its own that others may have to know."""

from __future__ import annotations

from chassis.hearing import Hears
from partners.storage.busy_slots import appointment_known
from partners.storage.known import PROJECTED
from partners.storage.nodes import trust

GATE = Hears("gate", tables=(*PROJECTED, appointment_known), trust=trust)
