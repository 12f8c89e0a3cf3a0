"""Input that comes in files: a referral file of our own making, and messages in the form in which HMPPS sends them."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from house.demo.people import PRACTITIONERS, Person, Practitioner
from house.referral_file import COLUMNS

if TYPE_CHECKING:
    from datetime import date

_FIRST: Final = 9_001  # men who come by file have numbers of their own
GIVEN: Final = "THROUGHCARE_DATA"


def referral_file(today: date, rows: int = 8) -> str:
    """Rows to submit, one that lacks the telling, one of wrong shape, one that came before."""
    out = io.StringIO()
    writer: Any = csv.DictWriter(out, COLUMNS, lineterminator="\r\n", restval="")
    writer.writeheader()
    for number in range(_FIRST, _FIRST + rows):
        writer.writerow(_row(number, today))
    writer.writerow({**_row(_FIRST + rows, today), "told_on": "", "told_how": "", "willing": ""})
    writer.writerow({**_row(_FIRST + rows + 1, today), "crn": "NOT-A-CRN"})
    writer.writerow(_row(_FIRST, today))
    return out.getvalue()


def _row(number: int, today: date) -> dict[str, str]:
    person, by = Person(number), Practitioner(1 + number % PRACTITIONERS)
    details, contact, answers = person.details(today), by.contact, person.answers(today)
    return {
        "source": "DEMO",
        "external_reference": f"demo-{number}",
        "programme": "EERSS",
        "referrer_kind": "PROBATION",
        "referrer_organisation": "probation",
        "practitioner_name": contact["name"],
        "practitioner_email": contact["email"],
        "practitioner_phone": contact["phone"],
        "practitioner_team": contact["team_code"],
        "practitioner_pdu": contact["pdu"],
        "crn": person.crn,
        "given_names": details["given_names"],
        "family_name": details["family_name"],
        "date_of_birth": details["date_of_birth"],
        "gender": "MALE",
        "ethnicity": str(answers["ethnicity"]),
        "borough": "E09000012",
        "screening_result": "SCREENED_IN",
        "screening_completed_on": today.isoformat(),
        "screening_source": "PP_ATTESTED",
        "rosh": str(answers["rosh"]),
        "rosh_assessed_on": today.isoformat(),
        "told_on": today.isoformat(),
        "told_how": "FACE_TO_FACE",
        "willing": "yes",
        "needs": "PEER_SUPPORT;WORK_AND_LEARNING",
    }


def hmpps_folder() -> Path | None:
    """Public messages, where they lie beside the product."""
    places = [Path(os.environ[GIVEN])] if os.environ.get(GIVEN) else []
    places.append(Path(__file__).resolve().parents[4] / "shared" / "data")
    places.append(Path.cwd().parent / "shared" / "data")
    for place in places:
        found = place / "hmpps-events" / "messages"
        if found.is_dir():
            return found
    return None


def hmpps_messages(known: Person, today: date) -> list[dict[str, Any]]:
    """Messages of our own in their form: about a man the house knows, one it does not know, and a type it ignores."""
    return [
        _envelope("opd.produced", known.crn, f"demo-{known.number}-opd", today, result="SCREEN IN"),
        _envelope("prison-offender-events.prisoner.released", known.crn, f"demo-{known.number}-released", today),
        _envelope("person.community.manager.allocated", "Y000000", "demo-unknown-person", today),
        _envelope("demo.nothing.of.ours", known.crn, "demo-unknown-type", today),
    ]


def _envelope(kind: str, crn: str, message_id: str, today: date, result: str = "") -> dict[str, Any]:
    """As the notification service wraps it: the event is text inside."""
    event: dict[str, Any] = {
        "eventType": kind,
        "version": 1,
        "occurredAt": f"{today.isoformat()}T09:30:00.000000Z",
        "personReference": {"identifiers": [{"type": "CRN", "value": crn}]},
        "additionalInformation": {},
    }
    if result:
        event["additionalInformation"] = {
            "eventNumber": "1",
            "opdResult": result,
            "opdScreenOutOverride": "NO",
            "dateCompleted": f"{today.isoformat()}T09:00:00",
        }
    return {
        "Type": "Notification",
        "MessageId": message_id,
        "Message": json.dumps(event),
        "MessageAttributes": {"eventType": {"Type": "String", "Value": kind}},
    }
