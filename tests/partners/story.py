"""A case told fact by fact, an hour apart, for tests of what a picture shows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from partners.projections.picture import heard
from partners.projections.picture.registers import Registers, Told, keep
from partners.projections.picture.tables import rows
from partners.projections.picture.view import Picture, compose
from tests.partners.histories import CASEWORK, PROGRAMME, REFERRAL, START, case_of, person_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chassis.projection import Row

REFERENCES = ("7KQ2-M9RJ", "2222-2222", "3333-3334")


class Story:
    """Facts of one case and its person, told one after another."""

    def __init__(self, number: int = 0, reference: str = REFERENCES[0]) -> None:
        self.case, self.person, self.reference = case_of(number), person_of(2 * number), reference
        self.held: Registers = {}
        self.facts: list[tuple[Told, list[Any]]] = []
        self.seqs: dict[tuple[str, bool], int] = {}
        self.at = START

    def tell(self, function: Any, topic: str = REFERRAL, *, of_person: bool = False, **given: Any) -> Story:
        """Tell one fact."""
        stream = (topic, of_person)
        self.seqs[stream] = self.seqs.get(stream, 0) + 1
        self.at += timedelta(hours=1)
        aggregate = given.pop("record", self.case)
        told = Told(
            topic=topic,
            key=str(self.person if of_person else self.case),
            seq=self.seqs[stream],
            at=self.at,
            recorded_at=self.at,
            aggregate_id=aggregate,
            version=self.seqs[stream],
            case_id=None if of_person else self.case,
            person_id=self.person,
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
        picture = compose(self.held, self.case)
        assert picture is not None
        return picture
