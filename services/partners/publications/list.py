"""The one list of what partners tells."""

from __future__ import annotations

from chassis.journal import Publications

PUBLICATIONS = Publications("partners")
