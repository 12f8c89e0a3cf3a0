"""The directory from the command line: looked through in plain words, files in and out."""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64encode
from collections import Counter
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from google.protobuf.json_format import MessageToDict

from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
    from pathlib import Path

    from chassis.access import Actor
    from house.clients import Clients

OUTCOMES: Final = ("NEW", "CHANGED", "UNCHANGED", "REPEATED", "OURS", "SKIPPED", "REFUSED")
_PIECE: Final = 64 * 1024
_PAGE: Final = 100
_ROOM: Final = {
    "HAS_CAPACITY": "has room",
    "WAITLIST": "waiting list",
    "NO_CAPACITY": "no room now",
    "ASSESSMENT_FIRST": "assesses first",
}
_AGAINST: Final = {
    "STATE": "paused",
    "AREA": "not offered in that borough",
    "AGE": "not for that age",
    "GENDER": "not for that gender",
    "LICENCE": "asks for more months of licence",
    "CAPACITY": "not the room asked for",
}
_TO_CHECK: Final = {
    "AREA": "where it is offered",
    "CONDITIONS": "what else it asks",
    "FRESHNESS": "whether that still holds: over 30 days old",
    "ROOM": "whether there is room",
}


async def searched(clients: Clients, who: Actor, wanted: Mapping[str, Any], most: int) -> list[dict[str, Any]]:
    """What the directory holds for somebody, the best first."""
    found: list[dict[str, Any]] = []
    token = ""
    while len(found) < most:
        size = min(_PAGE, most - len(found))
        answer = await clients.call(who, "SearchOffers", **wanted, page_size=size, page_token=token)
        found += [_plain(each) for each in answer.found]
        token = answer.next_page_token
        if not token:
            break
    return found


async def listed(clients: Clients, who: Actor, states: Iterable[str]) -> list[dict[str, Any]]:
    """Our own offers."""
    found: list[dict[str, Any]] = []
    token = ""
    while True:
        answer = await clients.call(who, "ListOffers", states=list(states), page_size=_PAGE, page_token=token)
        found += [_plain(each) for each in answer.offers]
        token = answer.next_page_token
        if not token:
            return found


def _plain(message: Any) -> dict[str, Any]:
    return MessageToDict(message, preserving_proto_field_name=True)


def named(offer: Mapping[str, Any]) -> str:
    """What an offer is called; a partner's is told without its words."""
    terms = offer["terms"]
    aspects: str = ", ".join(code.replace("_", " ").lower() for code in terms["aspect_codes"])
    return str(terms.get("name") or aspects)


def room_of(offer: Mapping[str, Any]) -> str:
    """Whether there is room, and as of when."""
    room = offer.get("room")
    if room is None:
        return "not said"
    wait = f", about {room['wait_days']} days" if "wait_days" in room else ""
    return f"{_ROOM[room['capacity']]}{wait} (said {room['as_at'][:10]})"


def in_words(found: Mapping[str, Any]) -> Iterator[str]:
    """One offer that was found, in plain words."""
    offer = found["offer"]
    fits = "fits" if found.get("fits") else "does not fit: " + ", ".join(_AGAINST[each] for each in found["misfits"])
    yield f"{named(offer)} · {offer.get('organisation') or 'organisation not named'} · {fits}"
    yield f"  {room_of(offer)}"
    if to_check := found.get("to_check"):
        yield "  check before you send: " + "; ".join(_TO_CHECK[each] for each in to_check)
    if "last_heard_at" in offer:
        yield f"  from {offer['source']}, last heard {offer['last_heard_at'][:10]}"
    yield f"  {offer['offer_id']}"


async def imported(
    clients: Clients, who: Actor, path: Path, *, source: str, aspects: Iterable[str]
) -> list[dict[str, Any]]:
    """What became of each record of a file, or of a folder of CSV tables."""
    content = _content(path)

    async def pieces() -> AsyncIterator[Mapping[str, Any]]:

        for start in range(0, max(len(content), 1), _PIECE):
            first = {"source": source, "aspect_codes": list(aspects)} if start == 0 else {}
            yield {**first, "piece": b64encode(content[start : start + _PIECE]).decode()}

    return [_plain(answer) async for answer in clients.stream(who, "ImportDirectory", pieces(), key=uuid4())]


def _content(path: Path) -> bytes:
    """The file; the tables of a folder go as one zip."""
    if path.is_file():
        return path.read_bytes()
    tables = sorted(path.glob("*.csv")) if path.is_dir() else []
    if not tables:
        raise Trouble(f"There is no file {path}, nor a folder of CSV tables.", code=2)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for table in tables:
            archive.write(table, table.name)
    return packed.getvalue()


def counted(answers: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many records came to what."""
    counts = Counter(each["outcome"] for each in answers)
    return {outcome: counts[outcome] for outcome in OUTCOMES}


def faults_of(answers: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Every fault of every record, with how to mend it."""
    for each in answers:
        for fault in each.get("faults", ()):
            yield f"record {each['record']}, {fault['path']}: {fault['code']}. {fault['mend']}"


async def exported(clients: Clients, who: Actor, path: Path) -> int:
    """Write our offers as one page of Open Referral UK; the file is there whole or not at all."""
    services: list[Any] = []
    token = ""
    while True:
        answer = await clients.call(who, "ExportDirectory", page_size=_PAGE, page_token=token)
        services += [json.loads(text) for text in answer.services]
        token = answer.next_page_token
        if not token:
            break
    page = {
        "total_items": len(services), "total_pages": 1, "page_number": 1, "size": len(services), "first_page": True,
        "last_page": True, "empty": not services, "contents": services,
    }  # fmt: skip
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text(json.dumps(page, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    unfinished.replace(path)
    return len(services)
