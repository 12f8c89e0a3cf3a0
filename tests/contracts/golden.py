"""Golden messages: one example of each event ever told, by which releases of different ages stay understood.

`make golden` (`python -m tests.contracts.golden`) writes `golden/<type>/<n>.json` for each event that has
none and for each whose fields have grown since its last one. A golden that stands is never changed: it is
what some house may still send.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format

from tests.contracts.messages import events, example

if TYPE_CHECKING:
    from google.protobuf.message import Message

FOLDER = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Golden:
    """One example on file."""

    path: Path
    type: str
    message: dict[str, Any]
    value: bytes

    @classmethod
    def read(cls, path: Path) -> Golden:
        """The example in this file."""
        held = json.loads(path.read_text())
        return cls(path, held["type"], held["message"], base64.b64decode(held["value"]))


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


def missing() -> list[tuple[type[Message], int]]:
    """Events that lack an example of all their fields, each with the number its next example gets."""
    found = []
    for event in events():
        had = goldens_of(event)
        if not had or set(shown(example(event))) - set(had[-1].message):
            found.append((event, len(had) + 1))
    return found


def write(event: type[Message], number: int) -> Path:
    """Writes the next example of this event; never over one that stands."""
    message = example(event)
    path = FOLDER / event.DESCRIPTOR.full_name / f"{number}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    held = {
        "type": event.DESCRIPTOR.full_name,
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
