"""Facts as the picture hears them, one stream after another: what any interleaving is made of."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from hypothesis import strategies as st

from partners.projections.picture import handoffs, heard
from partners.projections.picture.across import House
from partners.projections.picture.registers import Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from partners.projections.picture.registers import Register

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
REFERRAL, CASEWORK, PARTNERS = "together.referral.v1", "together.casework.v1", "together.partners.v1"
TOGETHER = House(node="together", organisation="together", organisations={"penrose-house": "sig-penrose"})
PROGRAMME = "0195569a-0000-7000-8000-00000000000e"
DAYS = ("2027-03-02", "2027-06-02", "2027-09-02")


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One fact with its place in its stream."""

    told: Told
    function: Callable[..., Iterable[Register]]
    given: dict[str, Any]
    of: tuple[UUID, str, str] | None = None

    def registers(self) -> list[Register]:
        """What it leaves in the picture."""
        of = self.told if self.of is None else handoffs.Of(self.told, *self.of)
        return list(self.function(of, **self.given))


def case_of(number: int) -> UUID:
    """The id of a case."""
    return UUID(f"0195569a-0000-7000-8000-00000000c{number:03x}")


def person_of(number: int) -> UUID:
    """The id of the person of a case: two cases each."""
    return UUID(f"0195569a-0000-7000-8000-00000000d{number // 2:03x}")


def handoff_of(number: int) -> UUID:
    """The id of a handoff."""
    return UUID(f"0195569a-0000-7000-8000-00000000f{number:03x}")


def _record(number: int) -> UUID:
    return UUID(f"0195569a-0000-7000-8000-00000000e{number:03x}")


_instants = st.integers(0, 400).map(lambda hours: START + timedelta(hours=hours))
_days = st.sampled_from(DAYS)
_dates = st.fixed_dictionaries({"planned_end_on": _days, "review_due_on": _days})
_workers = st.sampled_from(["staff-ew-1", "staff-ew-2"])
_nothing = st.just({})

_SUBMITTED = st.fixed_dictionaries(
    {
        "reference": st.just("7KQ2-M9RJ"),
        "programme_id": st.just(PROGRAMME),
        "kind": st.just("PERSON_SUPPORT"),
        "decision_due_at": _instants,
    }
)


_aspects = st.sampled_from(["ONE_TO_ONE", "GP_REGISTRATION", "SUPPORTED_HOUSING"])
_partners = st.sampled_from(["penrose-house", "north-london-nhs"])


def _hours(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An hour from one of few instants, so that some clash."""
    starts = st.integers(0, 5).map(lambda n: START + timedelta(days=300, minutes=30 * n))

    def lasting(said: dict[str, Any]) -> dict[str, Any]:
        return {**said, "ends_at": said["starts_at"] + timedelta(hours=1)}

    return st.fixed_dictionaries({**more, "starts_at": starts}).map(lasting)


def _missed(*promises: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"promise": st.sampled_from(promises), "due_at": _instants})


OF_THE_REFERRAL = {
    heard.submitted: _SUBMITTED,
    heard.triage_started: _nothing,
    heard.accepted: _nothing,
    heard.referral_ended: _nothing,
    heard.practitioner: st.fixed_dictionaries({"ref": st.sampled_from(["pp-a", "pp-b"]), "starts_on": _days}),
    heard.practitioner_cover: st.fixed_dictionaries(
        {"ref": st.sampled_from(["pp-a", "pp-c"]), "starts_on": _days, "ends_on": st.just("")}
    ),
    heard.late: _missed("L1", "L2"),
}
OF_THE_WORK = {
    heard.allocation_waits: st.fixed_dictionaries({"due_at": _instants}),
    heard.allocation_ended: _nothing,
    heard.worker: st.fixed_dictionaries({"ref": _workers, "role": st.just("EW")}),
    heard.worker_cover: st.fixed_dictionaries(
        {"ref": _workers, "role": st.just("EW"), "starts_on": _days, "ends_on": _days}
    ),
    heard.opened: _dates,
    heard.reopened: _dates,
    heard.tried: _nothing,
    heard.activated: _dates,
    heard.paused: _dates,
    heard.resumed: _dates,
    heard.extended: _dates,
    heard.ending_started: _dates,
    heard.closed: _nothing,
    heard.late: _missed("L3", "L4", "L12", "L18", "L21"),
    heard.need: st.fixed_dictionaries({"aspect": _aspects, "needed": st.booleans(), "on": _days}),
    heard.appointment: _hours(
        org_id=st.sampled_from(["camden-gp", "sig-penrose"]), aspect=_aspects, stands=st.booleans()
    ),
}
_terms = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["REFERRAL_ON", "TRANSFER"]),
        "aspects": st.lists(_aspects, unique=True),
        "due_at": _instants,
    }
)
_due = st.fixed_dictionaries({"due_at": st.none() | _instants})
OF_A_HANDOFF = {
    handoffs.offered: _terms,
    handoffs.received: _terms,
    handoffs.information_requested: _due,
    handoffs.information_over: _due,
    handoffs.accepted: _due,
    handoffs.waitlisted: _nothing,
    handoffs.started: _nothing,
    handoffs.contact_planned: _hours(aspect=_aspects | st.just(""), step=st.sampled_from(["", "REVIEW"])),
    handoffs.busy: _hours(off=st.booleans()),
    handoffs.on_hold: st.fixed_dictionaries({"reason_group": st.sampled_from(["PERSON_CHOICE", "ADMIN"])}),
    handoffs.resumed: _nothing,
    handoffs.completed: _due,
    handoffs.ended: st.fixed_dictionaries(
        {"state": st.sampled_from(["DECLINED", "REVOKED", "EXPIRED", "FAILED", "LOOP_CLOSED"])}
    ),
    handoffs.revoke_requested: _due,
    handoffs.purge_confirmed: _nothing,
    handoffs.late: _missed("L7", "L22"),
}
OF_A_NODE = {
    handoffs.node_registered: st.fixed_dictionaries({"node_id": _partners, "org_id": st.just("sig-penrose")}),
    handoffs.node_unheard: st.fixed_dictionaries({"last_heard_at": _instants}),
    handoffs.node_suspended: _nothing,
    handoffs.node_resumed: _nothing,
}
OF_A_LINK = {
    handoffs.linked: st.fixed_dictionaries(
        {
            "person_id": st.just(str(person_of(6))),
            "known_as": st.sampled_from([str(person_of(0)), str(person_of(2))]),
            "holds": st.booleans(),
        }
    ),
}

OF_THE_PERSON = {
    heard.consent: st.fixed_dictionaries(
        {
            "purpose": st.sampled_from(["PARTICIPATE", "CONTACT", "SHARE"]),
            "programme_id": st.just(PROGRAMME),
            "agreed": st.booleans(),
            "review_on": _days,
            "replaces": st.sampled_from(["", str(_record(1)), str(_record(2))]),
        }
    ),
    heard.screening: st.fixed_dictionaries({"completed_on": _days, "is_current": st.booleans()}),
    heard.access_list: st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["ALLOW", "DENY"]),
            "entries": st.lists(_workers, unique=True),
            "version": st.integers(1, 9),
        }
    ),
    heard.late: _missed("L20"),
}


@st.composite
def _stream(
    draw: st.DrawFn,
    topic: str,
    *,
    case: UUID | None,
    person: UUID,
    facts: dict[Any, Any],
    first: Any = None,
    one_aggregate: bool = False,
) -> list[Heard]:
    # Handoffs that go by one key share its stream: their sequences are apart, their versions their own.
    begins = draw(st.sampled_from([0, 100, 200])) if one_aggregate else 0
    functions = draw(st.lists(st.sampled_from(sorted(facts, key=lambda f: f.__name__)), max_size=8))
    functions = [*([first] if first else []), *functions]
    return [
        Heard(
            told=Told(
                topic=topic,
                key=str(case or person),
                seq=begins + seq,
                at=START + timedelta(minutes=37 * seq),
                recorded_at=START + timedelta(minutes=37 * seq, seconds=draw(st.integers(0, 3))),
                aggregate_id=_record(9 if one_aggregate else draw(st.integers(1, 3))),
                version=seq,
                case_id=case,
                person_id=person,
            ),
            function=function,
            given=draw(facts[function]),
        )
        for seq, function in enumerate(functions, 1)
    ]


@st.composite
def _handoff(draw: st.DrawFn, number: int) -> list[Heard]:
    """One handoff of a case offered elsewhere, or of somebody offered here; begun as its side begins."""
    side = draw(st.sampled_from(["SENDER", "RECEIVER"]))
    case, person = (case_of(number), person_of(number)) if side == "SENDER" else (None, person_of(6))
    first = handoffs.offered if side == "SENDER" else handoffs.received
    found = draw(_stream(PARTNERS, case=case, person=person, facts=OF_A_HANDOFF, first=first, one_aggregate=True))
    of = (handoff_of(number), side, draw(_partners))
    return [replace(fact, of=of) for fact in found]


@st.composite
def streams(draw: st.DrawFn, *, cases: int = 4) -> list[list[Heard]]:
    """The streams of some cases and their persons: anything may follow anything, but a referral's stream starts with
    its submission."""
    found: list[list[Heard]] = []
    for number in range(draw(st.integers(1, cases))):
        case, person = case_of(number), person_of(number)
        found.append(draw(_stream(REFERRAL, case=case, person=person, facts=OF_THE_REFERRAL, first=heard.submitted)))
        found.append(draw(_stream(CASEWORK, case=case, person=person, facts=OF_THE_WORK)))
        if number % 2 == 0:
            found.append(draw(_stream(REFERRAL, case=None, person=person, facts=OF_THE_PERSON)))
    found += [draw(_handoff(number)) for number in range(draw(st.integers(0, 3)))]
    found += [
        draw(_stream(PARTNERS, case=None, person=person_of(6), facts=facts, one_aggregate=True))
        for facts in (OF_A_NODE, OF_A_LINK)
    ]
    return [stream for stream in found if stream]


def interleaved(draw: st.DrawFn, found: Sequence[Sequence[Heard]]) -> list[Heard]:
    """One order in which a hearer may meet them: each stream in its own order, anything between streams; after a
    restart a piece of what was heard once more, and any piece again at any later time."""
    order = draw(st.permutations([n for n, stream in enumerate(found) for _ in stream]))
    at = [0] * len(found)
    met: list[Heard] = []
    for n in order:
        met.append(found[n][at[n]])
        at[n] += 1
    for _ in range(draw(st.integers(0, 3))):
        begin = draw(st.integers(0, len(met)))
        met[begin:begin] = met[draw(st.integers(0, begin)) : begin]
    for _ in range(draw(st.integers(0, 2))):
        end = draw(st.integers(0, len(met)))
        later = draw(st.integers(end, len(met)))
        met[later:later] = met[draw(st.integers(0, end)) : end]
    return met


def batches(draw: st.DrawFn, met: Sequence[Heard]) -> list[list[Heard]]:
    """The same cut into batches."""
    cuts = sorted(draw(st.sets(st.integers(0, len(met)), max_size=5)) | {0, len(met)})
    return [list(met[begin:end]) for begin, end in itertools.pairwise(cuts)]
