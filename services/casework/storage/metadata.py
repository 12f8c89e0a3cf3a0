"""The one list of the tables of casework."""

from __future__ import annotations

from sqlalchemy import MetaData

metadata = MetaData()
