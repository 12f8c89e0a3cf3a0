"""The one door between houses: what may be known of a man elsewhere is judged here, each verdict becoming a fact.

`judge` is for a command: what it refuses is the command's refusal, with its one audit entry. `weigh` is for what the
house does by itself and for a read by reference: there a refusal is a fact of its own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from chassis.access import (
    Agreement,
    Asked,
    Consent,
    GateRefusal,
    Ground,
    Known,
    Rest,
    Terms,
    Verdict,
    decide,
    decide_all,
    newest,
)
from chassis.aggregate import Unmet
from chassis.shares import Basis
from partners.domain.agreement.codes import Status
from partners.domain.disclosure import Bases, Disclosure
from partners.domain.handoff.codes import ConfidentialityBasis
from partners.domain.handoff.states import Grounds
from partners.domain.holding import Holding
from partners.storage.known import ANSWERS, OPEN_CASES, feed_age, lists_of, lock_to_judge
from partners.storage.nodes import node_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from partners.domain.agreement.aggregate import SharingAgreement
    from partners.storage import Work

AGREED: Final = Ground()
_SENTENCES: Final[Mapping[str, str]] = {
    "unknown_value": "A category, purpose, basis or recipient is of no list that is known here.",
    "recipient_is_owner": "The recipient is the organisation itself. There is nothing to share.",
    "feed_stale": "What was agreed is not known to be current. Try again in a minute.",
    "person_held": "News of this person waits to be applied. Ask the service manager to look at the parked messages.",
    "listed": "There is nothing here that you may share. Check the reference.",
    "no_relationship": "Nobody there works with this person, and nothing is open here that would begin it.",
    "isa_not_in_force": "No sharing agreement with this recipient is in force. Ask your guardian.",
    "purpose_not_agreed": "The agreement does not cover this purpose.",
    "category_not_agreed": "The agreement does not cover one of these categories. Share less, or amend it.",
    "basis_not_admitted": "The agreement does not admit this basis, or not for this recipient.",
    "basis_reference_missing": "Say on what the basis rests: the statute, the order, the clause.",
    "not_an_associate": "This gateway reaches a voluntary organisation only where it is treated as an Associate.",
    "consent_missing": "He has not agreed that this recipient may know this. Ask him, or name another basis.",
    "consent_review_passed": "He is to be asked again before this is shared.",
}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What was let be known, and on what it rests; a publication needs nothing else of the verdict."""

    disclosure_id: UUID
    isa_id: UUID
    recipient: str
    categories: tuple[str, ...]
    regime: str
    recipient_regime: str
    lawful_basis: str
    confidentiality_basis: str
    reference: str
    detail_ref: str

    @property
    def basis(self) -> Basis:
        """As the envelope of a share carries it."""
        return Basis(
            regime=self.regime,
            lawful_basis=self.lawful_basis,
            confidentiality_basis=self.confidentiality_basis,
            isa_id=self.isa_id,
        )


def grounds_of(judged: Judged) -> Grounds:
    """What the gate's verdict rests on, as handoffs keep it."""
    return Grounds(
        regime=judged.regime,
        lawful_basis=judged.lawful_basis,
        confidentiality_basis=ConfidentialityBasis(judged.confidentiality_basis),
        isa_id=judged.isa_id,
        reference=judged.reference,
    )


@dataclass(frozen=True, kw_only=True)
class Question:
    """What the gate is asked. `related`: whether somebody there works with him, where the caller knows; otherwise an
    open case of his decides."""

    person_id: UUID
    recipient: str
    categories: tuple[str, ...]
    purpose: str
    basis: Ground = AGREED
    case_id: UUID | None = None
    detail_ref: str = ""
    related: bool | None = None
    staff: str = ""


async def judge(
    work: Work,
    *,
    person_id: UUID,
    recipient: str,
    categories: tuple[str, ...],
    purpose: str,
    basis: Ground = AGREED,
    case_id: UUID | None = None,
    detail_ref: str = "",
    related: bool | None = None,
) -> Judged:
    """Let these categories be known to this recipient, or raise Unmet with the condition that does not hold."""
    question = Question(
        person_id=person_id, recipient=recipient, categories=categories, purpose=purpose, basis=basis,
        case_id=case_id, detail_ref=detail_ref, related=related,
    )  # fmt: skip
    verdict = await _verdict(work, question)
    if verdict.refusal is not None:
        raise Unmet(verdict.refusal.value, _SENTENCES[verdict.refusal.value])
    return await _made(work, question, verdict)


async def must_permit(work: Work, question: Question) -> None:
    """Raise Unmet with the condition that does not hold; that it may be known is not yet that it is made known."""
    verdict = await _verdict(work, question)
    if verdict.refusal is not None:
        raise Unmet(verdict.refusal.value, _SENTENCES[verdict.refusal.value])


async def weigh(work: Work, question: Question) -> Judged | None:
    """The same where nobody gave a command: None, and the refusal as a fact."""
    verdict = await _verdict(work, question)
    if verdict.refusal is None:
        return await _made(work, question, verdict)
    await _refused(work, question, verdict)
    return None


async def _refused(work: Work, question: Question, verdict: Verdict) -> None:
    refusal = verdict.refusal or GateRefusal.CONSENT_MISSING  # each by itself might pass, under no one agreement
    refused = Disclosure.refuse(
        work.new_id(),
        person_id=question.person_id,
        case_id=question.case_id,
        recipient=question.recipient,
        categories=question.categories,
        purpose=question.purpose,
        refusal_code=refusal.value,
        at=work.now,
    )
    await work.disclosures.put(refused)


async def sift(work: Work, question: Question) -> Judged | None:
    """Of several categories those that may be known; None where none may. What is refused is a fact of its own."""
    known, asked = await known_of(work, question), _asked(work, question)
    verdicts = {each: decide(replace(asked, category=each), known) for each in question.categories}
    # One disclosure names one agreement: the one that lets most be known.
    lets = Counter(each.isa_id for each in verdicts.values() if each.permitted).most_common(1)
    permitted = tuple(name for name, each in verdicts.items() if lets and each.permitted and each.isa_id == lets[0][0])
    refused = tuple(name for name in verdicts if name not in permitted)
    if refused:
        await _refused(work, replace(question, categories=refused), decide_all(asked, refused, known))
    if not permitted:
        return None
    return await _made(work, replace(question, categories=permitted), verdicts[permitted[0]])


async def _verdict(work: Work, question: Question) -> Verdict:
    return decide_all(_asked(work, question), question.categories, await known_of(work, question))


def _asked(work: Work, question: Question) -> Asked:
    return Asked(
        owner=work.settings.node_organisation,
        person_id=question.person_id,
        category="",
        purpose=question.purpose,
        recipient=question.recipient,
        at=work.now,
        ground=question.basis,
        staff=question.staff,
    )


async def _made(work: Work, question: Question, verdict: Verdict) -> Judged:
    said = {
        "regime": verdict.regime,
        "recipient_regime": verdict.recipient_regime,
        "lawful_basis": verdict.lawful_basis,
        "confidentiality_basis": verdict.confidentiality_basis,
        "reference": verdict.reference,
    }
    made = Disclosure.make(
        work.new_id(),
        person_id=question.person_id,
        case_id=question.case_id,
        recipient=question.recipient,
        categories=question.categories,
        purpose=question.purpose,
        bases=Bases(isa_id=verdict.isa_id, **said),
        detail_ref=question.detail_ref,
        at=work.now,
    )
    await work.disclosures.put(made)
    await _hold(work, question.person_id, question.recipient)
    return Judged(
        disclosure_id=made.id,
        isa_id=UUID(verdict.isa_id),
        recipient=question.recipient,
        categories=question.categories,
        detail_ref=question.detail_ref,
        **said,
    )


async def _hold(work: Work, person_id: UUID, recipient: str) -> None:
    """The recipient's node, where it has one, knows of him from now on, and is told what changes."""
    node = await node_of(work.conn, recipient)
    if node is None or node == work.node or await work.holdings.first(person_id=person_id, node_id=node):
        return
    begun = Holding.begin(
        work.new_id(),
        person_id=person_id,
        node_id=node,
        org_id=recipient,
        subject_ref=work.works.names.subject_ref(node, person_id),
        at=work.now,
    )
    await work.holdings.put(begun)


async def known_of(work: Work, question: Question) -> Known:
    """What this house knows of him and of the recipient, as of this transaction: the lists of all records of his, and
    the answers of the one he goes on by."""
    related = question.related
    man = await lock_to_judge(work.conn, question.person_id)
    if related is None:
        related = await work.conn.fetchval(OPEN_CASES, list(man.records))
    organisation = await work.organisations.first(org_id=question.recipient)
    in_force = await work.agreements.find(status=(Status.ACTIVE, Status.EXPIRING))
    return Known(
        agreements=tuple(map(_as_judged, in_force)),
        consents=await _consents(work, man.goes_by),
        lists=await lists_of(work.conn, man.records),
        related=bool(related),
        held=any([await work.blocked("referral", each) for each in man.records]),
        feed_age=await feed_age(work.conn, f"{work.node}.referral.v1", now=work.now),
        sector=organisation.sector.value if organisation else "",
    )


async def _consents(work: Work, person_id: UUID) -> Mapping[str, Consent]:
    answers: Iterable[Consent] = (
        Consent(
            recipient=row["about"],
            categories=frozenset(row["scope_codes"]),
            version=row["consent_version"],
            granted=row["state"] == "GRANTED",
            review_on=row["review_on"],
        )
        for row in await ANSWERS.all(work.conn, person_id=person_id)
        if row["purpose"] == "SHARE"
    )
    return newest(answers)


def _as_judged(held: SharingAgreement) -> Agreement:
    terms = held.terms
    return Agreement(
        isa_id=held.isa_id,
        parties={p.org_id: Terms(regime=p.regime.value, lawful_basis=p.lawful_basis.value) for p in terms.parties},
        recipients=frozenset(terms.recipients),
        purposes=frozenset(terms.purposes),
        categories=frozenset(terms.categories),
        valid_from=terms.valid_from,
        valid_to=terms.valid_to,
        bases=frozenset(terms.confidentiality_bases),
        statutes=frozenset(terms.statutes),
        standing_basis=terms.standing_basis.value if terms.standing_basis else "",
        standing_recipients=frozenset(terms.standing_recipients),
        associates=frozenset(terms.associates),
        rests=tuple(Rest(since=rest.since, until=rest.until) for rest in held.rests),
        ended_at=held.ended_at,
    )
