"""Golden messages: one example of each event ever told, by which releases of different ages stay understood.

`make golden` (`python -m tests.contracts.golden`) writes `golden/<type>/<n>.json` for each event that has
none, for each whose fields have grown since its last one, and for each that a publication has begun to tell. The
example is what the publication makes of a fixed fact. A golden that stands is never changed: it is what some house
may still send.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format

from tests.contracts.facts import published
from tests.contracts.messages import events, example

if TYPE_CHECKING:
    from google.protobuf.message import Message

FOLDER = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Golden:
    """One example on file. `fact` is what it was told of, empty where nothing tells it yet; `fields` are those the
    event had when it was written."""

    path: Path
    type: str
    fact: str
    fields: tuple[str, ...]
    message: dict[str, Any]
    value: bytes

    @classmethod
    def read(cls, path: Path) -> Golden:
        """The example in this file."""
        held = json.loads(path.read_text())
        value = base64.b64decode(held["value"])
        return cls(path, held["type"], held["fact"], tuple(held["fields"]), held["message"], value)


def goldens_of(event: type[Message]) -> list[Golden]:
    """Every example of this event, oldest first."""
    files = (FOLDER / event.DESCRIPTOR.full_name).glob("*.json")
    return [Golden.read(file) for file in sorted(files, key=lambda file: int(file.stem))]


def shown(message: Message) -> dict[str, Any]:
    """The message as JSON, fields named as in the contract."""
    return dict(json_format.MessageToDict(message, preserving_proto_field_name=True))


def encoded(message: Message) -> bytes:
    """The message as on the bus."""
    return message.SerializeToString(deterministic=True)


def fields_of(event: type[Message]) -> tuple[str, ...]:
    """The fields the event has now."""
    return tuple(field.name for field in event.DESCRIPTOR.fields)


def told_of(event: type[Message]) -> tuple[str, Message] | None:
    """The first fact, by name, that is told as this event, and the message it becomes."""
    return next(
        (
            (fact, message)
            for fact, messages in published().items()
            for message in messages
            if isinstance(message, event)
        ),
        None,
    )


def missing() -> list[tuple[type[Message], int]]:
    """Events that lack an example of what they are now, each with the number its next example gets."""
    found = []
    for event in events():
        had = goldens_of(event)
        last = had[-1] if had else None
        grown = last is None or bool(set(fields_of(event)) - set(last.fields))
        if grown or (last is not None and not last.fact and told_of(event)):
            found.append((event, len(had) + 1))
    return found


def write(event: type[Message], number: int) -> Path:
    """Writes the next example of this event; never over one that stands."""
    fact, message = told_of(event) or ("", example(event))
    path = FOLDER / event.DESCRIPTOR.full_name / f"{number}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    held = {
        "type": event.DESCRIPTOR.full_name,
        "fact": fact,
        "fields": fields_of(event),
        "message": shown(message),
        "value": base64.b64encode(encoded(message)).decode(),
    }
    with path.open("x") as file:
        file.write(json.dumps(held, indent=2) + "\n")
    return path


def main() -> None:
    """Writes what is missing and says what was written."""
    for event, number in missing():
        print(write(event, number).relative_to(Path.cwd()))


if __name__ == "__main__":
    main()
