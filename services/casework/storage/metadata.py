"""The one list of the tables of casework, and the agreements by which guests see anything."""

from __future__ import annotations

from sqlalchemy import MetaData

from chassis.access import agreements

metadata = MetaData()
AGREEMENTS = agreements(metadata)
