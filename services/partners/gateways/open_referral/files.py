"""The services of a file, one after the other: a page of an API, one document, a list, or the CSV tables in a zip."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any, Final

LARGEST: Final = 20 * 1024 * 1024
MOST_RECORDS: Final = 20_000
_ZIP: Final = b"PK"
# What a record has that is no service: an organisation alone, a place, a term, the first page of an API.
_OTHERS: Final = frozenset({
    "website", "logo", "legal_status", "year_incorporated", "parent_organization_id", "location_type", "taxonomy",
    "taxonomy_terms", "parent_id", "term_uri", "openapi_url", "profile", "version",
})  # fmt: skip
# The tables that say something we hold, and under what a service keeps their rows.
_TABLES: Final = {"service_areas.csv": "service_areas", "phones.csv": "phones"}


class Unreadable(Exception):  # noqa: N818 - what the file is
    """The file holds nothing that can be read; `code` says why, `mend` what to do."""

    def __init__(self, code: str, mend: str) -> None:
        super().__init__(mend)
        self.code, self.mend = code, mend


def records(content: bytes) -> Iterator[dict[str, Any] | None]:
    """Every record of the file in order, None for one that is no service. Raises Unreadable before the first."""
    if len(content) > LARGEST:
        raise Unreadable("TOO_LONG", "Split it into files of at most 20 MiB.")
    found = _tables(content) if content.startswith(_ZIP) else list(_services(_json(content)))
    if len(found) > MOST_RECORDS:
        raise Unreadable("TOO_LONG", f"Split it into files of at most {MOST_RECORDS} services.")
    return iter(found)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unreadable("INVALID_FORMAT", "Save it as UTF-8.") from None
    except (ValueError, RecursionError):
        raise Unreadable("INVALID_FORMAT", "It is neither JSON nor a zip of HSDS tables.") from None


def _services(document: Any) -> Iterator[dict[str, Any] | None]:
    """The services within a document. Page numbers and totals are not to be trusted, and are not read."""
    if isinstance(document, dict) and isinstance(document.get("contents"), list):
        document = document["contents"]
    if not isinstance(document, list | dict):
        raise Unreadable("INVALID_FORMAT", "It holds no records.")
    for each in document if isinstance(document, list) else [document]:
        yield from _within(each)


def _within(record: Any) -> Iterator[dict[str, Any] | None]:
    """A service is itself; within an organisation, or at a place, it stands one level deeper."""
    if not isinstance(record, dict):
        yield {}
    elif isinstance(record.get("service"), dict):
        yield record["service"]
    elif isinstance(record.get("services"), list):
        whose = {name: value for name, value in record.items() if name != "services"}
        for each in record["services"]:
            yield {"organization": whose, **each} if isinstance(each, dict) else {}
    else:
        yield None if "status" not in record and _OTHERS & set(record) else record


def _tables(content: bytes) -> list[dict[str, Any] | None]:
    """The services of the tables, each with its organisation, areas and numbers."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            named = {info.filename.rsplit("/", 1)[-1]: info for info in archive.infolist()}
            if sum(info.file_size for info in named.values()) > LARGEST:
                raise Unreadable("TOO_LONG", "Unpacked, it is more than 20 MiB. Split it.")
            tables = {name: _rows(archive.read(info)) for name, info in named.items() if name.endswith(".csv")}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, csv.Error, UnicodeDecodeError):
        raise Unreadable("INVALID_FORMAT", "The zip, or a table in it, cannot be read.") from None
    if "services.csv" not in tables:
        raise Unreadable("INVALID_FORMAT", "There is no services.csv in it.")
    return list(_joined(tables))


def _rows(table: bytes) -> list[dict[str, Any]]:
    lines = csv.DictReader(io.StringIO(table.decode("utf-8-sig"), newline=""))
    return [{name: value for name, value in row.items() if name and value} for row in lines]


def _joined(tables: dict[str, list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    whose = {row.get("id"): row for row in tables.get("organizations.csv", [])}
    for service in tables["services.csv"]:
        parts = {field: list(_of(service.get("id"), tables.get(table, []))) for table, field in _TABLES.items()}
        organisation = {"organization": whose[of]} if (of := service.get("organization_id")) in whose else {}
        yield service | parts | organisation


def _of(service_id: str | None, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (row for row in rows if row.get("service_id") == service_id)
