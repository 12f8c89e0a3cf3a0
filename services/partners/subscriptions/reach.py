"""What the gate hears of his answers and of the lists: of its own house, and of and from partners.

The command comes before the projection: what was agreed until now says what has been lost. Of two records that are of
one man it comes after: what each was let be known is known still, and the man is judged.
"""

from __future__ import annotations

from datetime import UTC, date
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from partners.commands import joining, leaves, reach, subjects
from partners.projections import known
from partners.storage.known import CONSENTS, LISTS, feed_applied, feed_confirmed
from partners.subscriptions.gate import GATE
from throughcare.casework.v1 import events_pb2 as casework
from throughcare.partners.v1 import shares_pb2 as shared
from throughcare.referral.v1 import events_pb2 as referral

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chassis.hearing import Heard
    from chassis.projection import Row
    from partners.storage import Work

_STATES: Final = {
    referral.ConsentGranted: "GRANTED",
    referral.ConsentDeclined: "DECLINED",
    referral.ConsentWithdrawn: "WITHDRAWN",
    referral.ConsentExpired: "EXPIRED",
}
_OPENING: Final = (referral.ReferralReopened, referral.ReferralSubmitted)


def _person(heard: Heard[Any]) -> UUID:
    person_id = heard.envelope.person_id
    if person_id is None:
        raise LookupError("a fact of a person names none")
    return person_id


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


@GATE.command(referral.ConsentGranted, referral.ConsentDeclined, referral.ConsentWithdrawn, referral.ConsentExpired)
async def answered(work: Work, heard: Heard[Any]) -> None:
    """T0 of a change of what he agrees may be shared."""
    message, of = heard.message, heard.envelope
    if message.purpose == "SHARE":
        granted = _STATES[type(message)] == "GRANTED"
        await reach.apply_consent.inside(
            work,
            _person(heard),
            message.recipient,
            version=message.version,
            categories=tuple(message.scope_codes) if granted else (),
            review_on=_day(message.review_on),
        )
    await feed_applied(work.conn, CONSENTS, of.feed_number)


@GATE.projection(referral.ConsentGranted, referral.ConsentDeclined, referral.ConsentWithdrawn, referral.ConsentExpired)
def answer_known(heard: Heard[Any]) -> Iterable[Row]:
    message = heard.message
    yield known.answered(
        _person(heard),
        purpose=message.purpose,
        about=message.recipient or message.programme_id,
        scope_codes=message.scope_codes,
        state=_STATES[type(message)],
        version=message.version,
        review_on=_day(message.review_on),
        since=heard.envelope.occurred_at,
        seq=heard.seq,
    )


@GATE.command(referral.AccessListChanged)
async def lists_changed(work: Work, heard: Heard[referral.AccessListChanged]) -> None:
    """T0 of a change of who may know of him."""
    message = heard.message
    await reach.apply_access_list.inside(work, _person(heard), message.list, tuple(message.entries), message.version)
    await feed_applied(work.conn, LISTS, heard.envelope.feed_number)


@GATE.projection(referral.AccessListChanged)
def lists_known(heard: Heard[referral.AccessListChanged]) -> Iterable[Row]:
    message = heard.message
    yield known.listed(
        _person(heard), which=message.list, entries=message.entries, version=message.version, seq=heard.seq
    )


@GATE.projection(referral.PersonMerged)
def joined(heard: Heard[referral.PersonMerged]) -> Iterable[Row]:
    message = heard.message
    old_id, into_id = UUID(message.from_person_id), UUID(message.to_person_id)
    yield known.joined(old_id=old_id, into_id=into_id, version=message.version)


@GATE.command(referral.PersonMerged)
async def merged(work: Work, heard: Heard[referral.PersonMerged]) -> None:
    """T0 of two records being of one man."""
    await joining.apply_merge.inside(work, UUID(heard.message.from_person_id))
    await feed_applied(work.conn, CONSENTS, heard.envelope.feed_number)


@GATE.projection(referral.PersonUnmerged)
def apart(heard: Heard[referral.PersonUnmerged]) -> Iterable[Row]:
    message = heard.message
    yield known.joined(old_id=UUID(message.from_person_id), into_id=None, version=message.version)


@GATE.command(referral.PersonUnmerged)
async def unmerged(work: Work, heard: Heard[referral.PersonUnmerged]) -> None:
    """T0 of them being of two men after all."""
    message = heard.message
    await joining.apply_unmerge.inside(work, UUID(message.from_person_id), UUID(message.to_person_id))
    await feed_applied(work.conn, CONSENTS, heard.envelope.feed_number)


@GATE.command(referral.FeedConfirmed)
async def feeds_confirmed(work: Work, heard: Heard[referral.FeedConfirmed]) -> None:
    """The newest numbers of the house's feeds, as of the moment they were told."""
    message, at = heard.message, heard.envelope.recorded_at
    await feed_confirmed(work.conn, CONSENTS, message.consent_number, at)
    await feed_confirmed(work.conn, LISTS, message.access_list_number, at)


@GATE.projection(
    referral.ReferralSubmitted,
    referral.ReferralReopened,
    referral.ReferralDeclined,
    referral.ReferralWithdrawn,
    referral.ReferralExpired,
)
def referral_stands(heard: Heard[Any]) -> Iterable[Row]:
    """Whether somebody here works, or may come to work, with him."""
    yield from _case(heard, "referral", is_open=isinstance(heard.message, _OPENING))


@GATE.projection(casework.EngagementOpened, casework.EngagementReopened)
def work_open(heard: Heard[Any]) -> Iterable[Row]:
    """The work is open."""
    yield from _case(heard, "casework", is_open=True)


@GATE.projection(casework.EngagementClosed)
def work_closed(heard: Heard[casework.EngagementClosed]) -> Iterable[Row]:
    """The work has closed."""
    yield from _case(heard, "casework", is_open=False)


def _case(heard: Heard[Any], source: str, *, is_open: bool) -> Iterable[Row]:
    case_id = heard.envelope.case_id
    if case_id is None:
        raise LookupError("a fact of a case names none")
    since = heard.envelope.occurred_at
    yield known.case_stands(case_id, _person(heard), source, is_open=is_open, since=since, seq=heard.seq)


@GATE.command(shared.SharedConsentApplied)
async def consent_applied(work: Work, heard: Heard[shared.SharedConsentApplied]) -> None:
    """A node that holds a man of ours answers."""
    of, message = heard.envelope, heard.message
    await reach.hear_consent_applied.inside(
        work,
        of.source_node,
        of.subject_ref,
        version=message.version,
        applied_at=message.applied_at.ToDatetime(tzinfo=UTC),
    )


@GATE.command(shared.SharedAccessListApplied)
async def lists_applied(work: Work, heard: Heard[shared.SharedAccessListApplied]) -> None:
    """A node that holds a man of ours answers."""
    of, message = heard.envelope, heard.message
    await reach.hear_lists_applied.inside(
        work,
        of.source_node,
        of.subject_ref,
        version=message.version,
        applied_at=message.applied_at.ToDatetime(tzinfo=UTC),
    )


@GATE.command(shared.SharedConsentGranted)
async def partner_granted(work: Work, heard: Heard[shared.SharedConsentGranted]) -> None:
    """A man of a partner agrees that we know."""
    of, message = heard.envelope, heard.message
    await leaves.hear_consent.inside(
        work,
        of.source_node,
        of.subject_ref,
        version=message.version,
        categories=tuple(message.categories),
        review_on=_day(message.review_on),
    )


@GATE.command(shared.SharedConsentWithdrawn)
async def partner_withdrew(work: Work, heard: Heard[shared.SharedConsentWithdrawn]) -> None:
    """A man of a partner does not agree, or no longer."""
    of, version = heard.envelope, heard.message.version
    await leaves.hear_consent.inside(
        work, of.source_node, of.subject_ref, version=version, categories=(), review_on=None
    )


@GATE.command(shared.SharedAccessListChanged)
async def partner_lists(work: Work, heard: Heard[shared.SharedAccessListChanged]) -> None:
    """Who may know of a man of a partner has changed."""
    of, message = heard.envelope, heard.message
    await leaves.hear_lists.inside(work, of.source_node, of.subject_ref, message.version, excluded=message.excluded)


@GATE.command(shared.SharedSubjectChanged)
async def partner_renames(work: Work, heard: Heard[shared.SharedSubjectChanged]) -> None:
    """A man of a partner goes by another reference from now on, or by this one again."""
    of = heard.envelope
    await subjects.hear_subject.inside(work, of.source_node, of.subject_ref, heard.message.subject_ref)


@GATE.command(shared.SharedFeedConfirmed)
async def partner_word(work: Work, heard: Heard[shared.SharedFeedConfirmed]) -> None:
    """How many changes a partner has told us."""
    of, message = heard.envelope, heard.message
    await leaves.hear_word.inside(
        work,
        of.source_node,
        consent_changes=message.consent_version,
        list_changes=message.access_list_version,
        at=of.recorded_at,
        seq=heard.seq,
    )
