"""A case told fact by fact, an hour apart, for tests of what a picture shows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from partners.projections.picture import handoffs, heard
from partners.projections.picture.registers import Registers, Told, keep
from partners.projections.picture.shapes import Picture
from partners.projections.picture.tables import rows
from partners.projections.picture.view import compose
from tests.partners.histories import (
    CASEWORK,
    PARTNERS,
    PROGRAMME,
    REFERRAL,
    START,
    TOGETHER,
    case_of,
    handoff_of,
    person_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from chassis.projection import Row

REFERENCES = ("7KQ2-M9RJ", "2222-2222", "3333-3334")


class Story:
    """Facts of one case and its person, told one after another."""

    def __init__(self, number: int = 0, reference: str = REFERENCES[0]) -> None:
        self.case, self.person, self.reference = case_of(number), person_of(2 * number), reference
        self.held: Registers = {}
        self.facts: list[tuple[Told, list[Any]]] = []
        self.seqs: dict[tuple[str, bool], int] = {}
        self.versions: dict[UUID, int] = {}
        self.at, self.heard_from = START, ""

    def tell(self, function: Any, topic: str = REFERRAL, *, of_person: bool = False, **given: Any) -> Story:
        """Tell one fact."""
        stream = (topic, of_person)
        self.seqs[stream] = self.seqs.get(stream, 0) + 1
        self.at += timedelta(hours=1)
        aggregate, version = given.pop("record", self.case), given.pop("of_version", self.seqs[stream])
        told = Told(
            topic=topic,
            key=str(self.person if of_person else self.case),
            seq=self.seqs[stream],
            at=self.at,
            recorded_at=self.at,
            aggregate_id=aggregate,
            version=version,
            case_id=None if of_person else self.case,
            person_id=self.person,
            heard_from=self.heard_from if topic == PARTNERS else "",
        )
        registers = list(function(told, **given))
        self.facts.append((told, registers))
        self.held = keep(self.held, registers)
        return self

    def of_work(self, function: Any, **given: Any) -> Story:
        """Tell a fact of casework."""
        return self.tell(function, CASEWORK, **given)

    def of_person(self, function: Any, **given: Any) -> Story:
        """Tell a fact of the person."""
        return self.tell(function, of_person=True, **given)

    def of_handoff(
        self, function: Any, number: int = 0, *, side: str = "SENDER", partner: str = "penrose-house", **given: Any
    ) -> Story:
        """Tell a fact of a handoff of this case."""
        id_ = handoff_of(number)
        self.versions[id_] = self.versions.get(id_, 0) + 1

        def of(told: Told, **said: Any) -> Any:
            return function(handoffs.Of(told, id_, side, partner), **said)

        return self.tell(of, PARTNERS, of_version=self.versions[id_], record=id_, **given)

    def offered(self, number: int = 0, *aspects: str, **given: Any) -> Story:
        """A piece of work is offered to another house."""
        terms = {
            "kind": "REFERRAL_ON",
            "aspects": aspects or ("SUPPORTED_HOUSING",),
            "due_at": START + timedelta(days=9),
        }
        return self.of_handoff(handoffs.offered, number, **terms, **given)

    def submitted(self) -> Story:
        """A referral comes in."""
        return self.tell(
            heard.submitted,
            reference=self.reference,
            programme_id=PROGRAMME,
            kind="PERSON_SUPPORT",
            decision_due_at=START + timedelta(days=7),
        )

    def accepted(self) -> Story:
        """A referral that was accepted."""
        return self.submitted().tell(heard.triage_started).tell(heard.accepted)

    def opened(self, worker: str = "staff-ew-1") -> Story:
        """A referral that has become an engagement."""
        self.accepted().of_work(heard.allocation_waits, due_at=START + timedelta(days=3))
        self.of_work(heard.worker, ref=worker, role="EW")
        return self.of_work(heard.opened, planned_end_on="2027-03-02", review_due_on="2026-06-02")

    def with_practitioner(self, ref: str = "pp-a") -> Story:
        """His practitioner is known."""
        return self.tell(heard.practitioner, ref=ref, starts_on="2026-03-02")

    @property
    def rows(self) -> Iterator[Row]:
        """What the picture keeps of it."""
        for told, registers in self.facts:
            yield from rows(told, registers)

    @property
    def picture(self) -> Picture:
        """What there is to see now."""
        picture = self.seen_at(self.at)
        assert picture is not None
        return picture

    def seen_at(self, at: datetime) -> Picture | None:
        """What there is to see at a moment, if anything."""
        return compose(self.held, self.case, house=TOGETHER, at=at)
