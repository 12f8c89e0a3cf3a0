"""The one list of the tables of casework, the agreements by which guests see anything, and who is one man."""

from __future__ import annotations

from sqlalchemy import MetaData

from chassis.access import agreements, merged_people, same_person

metadata = MetaData()
AGREEMENTS = agreements(metadata)
MERGED = merged_people(metadata)
SAME = same_person(metadata)
