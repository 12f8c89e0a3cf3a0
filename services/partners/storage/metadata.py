"""The one list of the tables of partners; the picture keeps its own (`projections/picture`)."""

from __future__ import annotations

from sqlalchemy import MetaData

metadata = MetaData()
