"""How the terminal says what answers hold: London days and times, services by their plain names, organisations."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from chassis.calendar import LONDON

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SERVICES: Final = {
    "GP_REGISTRATION": "GP registration",
    "WOMENS_SERVICE": "a women's service",
    "OTHER": "something else",
}
PROMISES: Final = {
    "L1": "a decision on the referral",
    "L2": "an answer to the referrer",
    "L3": "a first contact with him",
    "L4": "the start of the work",
    "L7": "the next step between organisations",
    "L18": "naming a worker",
    "L20": "asking him again whether he agrees",
    "L21": "a review",
    "L22": "a confirmed deletion",
}
# A handoff's state, for who offered it and for who received it; {} is the other organisation.
_SENT: Final = {
    "OFFERED": "offered to {}, not yet received",
    "RECEIVED": "waits for {} to decide",
    "INFO_REQUESTED": "{} asks you something",
    "WAITLISTED": "on the waiting list of {}",
    "ACCEPTED": "{} has taken it on, not yet begun",
    "IN_PROGRESS": "{} is at work on it",
    "ON_HOLD": "on hold with {}",
    "REVOKE_PENDING": "asked back from {}, deletion not yet confirmed",
    "COMPLETED": "{} has done it; look at what came of it",
}
_CAME: Final = {
    "RECEIVED": "from {}, to be decided here",
    "INFO_REQUESTED": "from {}, an answer of theirs is awaited",
    "WAITLISTED": "from {}, on our waiting list",
    "ACCEPTED": "from {}, taken on here, not yet begun",
    "IN_PROGRESS": "from {}, at work on it here",
    "ON_HOLD": "from {}, on hold",
    "REVOKE_PENDING": "asked back by {}",
    "COMPLETED": "from {}, done; they have still to look at what came of it",
}


class Names:
    """Organisations as people call them; the id stands where the name is not at hand."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        self._known = dict(known or {})

    def of(self, org_id: str) -> str:
        """One organisation."""
        return self._known.get(org_id, org_id)

    def all(self, org_ids: Iterable[str]) -> str:
        """Several, joined as in a sentence."""
        return joined([self.of(each) for each in org_ids])


def joined(parts: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def words(code: str) -> str:
    """A code in small letters."""
    return code.replace("_", " ").lower()


def service(aspect: str) -> str:
    """A service by its plain name; never a condition."""
    return _SERVICES.get(aspect, words(aspect))


def day(text: str) -> str:
    """24 November 2026."""
    on = date.fromisoformat(text)
    return f"{on.day} {on:%B %Y}"


def moment(text: str) -> str:
    """An instant as London reads it: 24 November 2026 at 2:00pm."""
    at = datetime.fromisoformat(text).astimezone(LONDON)
    return f"{at.day} {at:%B %Y} at {_hour(at)}"


def hours(starts_at: str, ends_at: str) -> str:
    """Tuesday 24 November 2026, 2:00pm to 3:00pm."""
    starts, ends = (datetime.fromisoformat(text).astimezone(LONDON) for text in (starts_at, ends_at))
    return f"{starts:%A} {starts.day} {starts:%B %Y}, {_hour(starts)} to {_hour(ends)}"


def _hour(at: datetime) -> str:
    if (at.hour, at.minute) == (12, 0):
        return "midday"
    return f"{at.hour % 12 or 12}:{at:%M}{'am' if at.hour < 12 else 'pm'}"


def services(aspects: Iterable[str]) -> str:
    """Several services, joined."""
    return joined([service(each) for each in aspects]) or "what was agreed"


def handoff(held: Mapping[str, Any], names: Names) -> str:
    """What waits for whom, since when; of a rest by choice no more than that it was one."""
    ways = _SENT if held.get("side") == "SENDER" else _CAME
    state = str(held.get("state", ""))
    stands = ways.get(state, words(state)).format(names.of(str(held.get("org_id", ""))))
    chosen = ", by his choice" if held.get("reason_group") == "PERSON_CHOICE" else ""
    since = f", since {moment(held['since'])}" if "since" in held else ""
    due = f"; due by {moment(held['due_at'])}" if "due_at" in held and state != "ON_HOLD" else ""
    return f"{services(held.get('aspect_codes', []))}: {stands}{chosen}{since}{due}"


def gap(held: Mapping[str, Any], names: Names) -> str:
    """What nobody works on, since when; who was asked."""
    asked = f"; asked of {names.all(held['asked_org_ids'])}" if held.get("asked_org_ids") else ""
    if held.get("after"):
        return f"Nobody holds {service(held['aspect_code'])} after {day(held['after'])}{asked}"
    return f"Nobody holds {service(held['aspect_code'])}, needed since {day(held['needed_since'])}{asked}"


def clash(held: Mapping[str, Any], names: Names) -> str:
    """Who wants to see him at one hour; one who may not be named is another organisation."""
    listed = [names.of(each) for each in held.get("org_ids", [])]
    both = listed if len(listed) > 1 else [*listed, "another organisation"]
    return f"Clash on {hours(held['starts_at'], held['ends_at'])}: {joined(both)}"


def contact(held: Mapping[str, Any], names: Names) -> str:
    """Who sees him when; what for, where that was told."""
    what = f", {service(held['aspect_code'])}" if held.get("aspect_code") else ", busy"
    step = f", {words(held['step_code'])}" if held.get("step_code") else ""
    return f"{hours(held['starts_at'], held['ends_at'])}: {names.of(held.get('org_id', ''))}{what}{step}"


def delivery(held: Mapping[str, Any], names: Names) -> str:
    """Who delivers what."""
    begun = f"since {moment(held['since'])}" if held.get("state") == "IN_PROGRESS" else "taken on, not yet begun"
    until = f", planned until {day(held['ends_on'])}" if held.get("ends_on") else ""
    return f"{names.of(held.get('org_id', ''))}: {service(held.get('aspect_code', ''))}, {begun}{until}"


def fresh(source: Mapping[str, Any], names: Names) -> str:
    """How fresh one source is: a service of the house, or another house."""
    name = names.of(source["node_id"]) if source.get("node_id") else str(source.get("service", ""))
    heard = f"last heard {moment(source['last_heard_at'])}" if "last_heard_at" in source else "nothing heard yet"
    if "unheard_since" in source:
        return f"{name:<14} cannot be heard since {moment(source['unheard_since'])}; {heard}. Ring them if it is urgent"
    known = f"complete as of {moment(source['fresh_as_of'])}" if "fresh_as_of" in source else "completeness unknown"
    return f"{name:<14} {heard}, {known}"
