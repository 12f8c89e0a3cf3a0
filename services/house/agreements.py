"""Sharing agreements, and how far a man's answers reach, as the partners service tells them, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml
from google.protobuf.json_format import MessageToDict

from house.trouble import Trouble
from house.wording import day, moment, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from chassis.access import Actor
    from house.clients import Clients

_LISTS: Final = (
    "recipients", "purposes", "categories", "confidentiality_bases", "statutes", "standing_recipients", "associates",
)  # fmt: skip
_SINGLE: Final = ("standing_basis", "standing_reference", "retention_days", "valid_from", "valid_to", "review_on")
_PARTY: Final = (
    "org_id", "controller_role", "regime", "lawful_basis", "article_9_condition", "article_10_condition",
    "policy_document",
)  # fmt: skip
SHORTEST_HASH: Final = 8


def read(path: Path) -> dict[str, Any]:
    """The terms in a file: one mapping with the members of the contract's terms, days as YYYY-MM-DD."""
    try:
        held = yaml.safe_load(path.read_text())
    except OSError:
        raise Trouble(f"{path} cannot be read.", code=2) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise Trouble(f"{path} is not YAML.", mend="See docs/agreements.md for an example.", code=2) from None
    if not isinstance(held, dict):
        raise Trouble(f"{path} holds no terms.", mend="See docs/agreements.md for an example.", code=2)
    return _terms(held)


def _terms(held: Mapping[str, Any]) -> dict[str, Any]:
    parties = held.get("parties") or []
    if not isinstance(parties, list) or not all(isinstance(party, dict) for party in parties):
        raise Trouble("parties is a list of mappings.", code=2)
    strange = sorted(set(map(str, held)) - {"parties", *_LISTS, *_SINGLE})
    strange += sorted({str(member) for party in parties for member in party} - set(_PARTY))
    if strange:
        raise Trouble(f"These members are unknown: {', '.join(strange)}.", code=2)
    terms: dict[str, Any] = {name: _listed(name, held[name]) for name in _LISTS if held.get(name)}
    terms |= {name: _plain(held[name]) for name in _SINGLE if held.get(name) is not None}
    return {**terms, "parties": [{name: str(value) for name, value in party.items()} for party in parties]}


def _listed(name: str, value: Any) -> list[str]:
    if not isinstance(value, list):
        raise Trouble(f"{name} is a list.", code=2)
    return [str(each) for each in value]


def _plain(value: Any) -> Any:
    return value if isinstance(value, int) else str(value)


def plain(answer: Any) -> dict[str, Any]:
    """An answer as plain values."""
    found: dict[str, Any] = MessageToDict(answer, preserving_proto_field_name=True)
    return found


async def fetched(clients: Clients, who: Actor, isa_id: str) -> dict[str, Any]:
    """One agreement, as far as this person may see it."""
    answer = await clients.call(who, "GetIsa", isa_id=isa_id)
    return plain(answer)["isa"]  # type: ignore[no-any-return]


async def listed(clients: Clients, who: Actor) -> list[dict[str, Any]]:
    """All agreements of the caller's organisation, newest first."""
    found: list[dict[str, Any]] = []
    token = ""
    while True:
        page = plain(await clients.call(who, "ListIsas", page_size=200, page_token=token))
        found += page.get("isas", [])
        token = page.get("next_page_token", "")
        if not token:
            return found


async def act(clients: Clients, who: Actor, name: str, isa_id: str, terms_hash: str = "") -> dict[str, Any]:
    """What a guardian does, on the agreement as it stands; to sign, he names the digest of the terms he has read."""
    held = await fetched(clients, who, isa_id)
    given: dict[str, Any] = {"isa_id": isa_id, "expected_version": int(held["version"])}
    if name == "ActivateIsa":
        if len(terms_hash) < SHORTEST_HASH or not held["terms_hash"].startswith(terms_hash):
            raise Trouble(
                "These are not the terms of this agreement.",
                mend=f"Read them with: throughcare agreement show {isa_id}; then give the digest it prints.",
                code=2,
            )
        given["terms_hash"] = held["terms_hash"]
    return plain(await clients.call(who, name, **given))


def one_line(isa: Mapping[str, Any]) -> tuple[str, ...]:
    """An agreement as a row of a table."""
    terms = isa.get("terms", {})
    parties = ", ".join(party["org_id"] for party in terms.get("parties", []))
    return (isa["isa_id"], isa["state"], parties, terms.get("valid_from", ""), terms.get("valid_to", ""))


def in_words(isa: Mapping[str, Any]) -> Iterator[str]:
    """One sentence a line: what a guardian reads before he signs."""
    terms = isa.get("terms", {})
    yield f"Agreement {isa['isa_id']}"
    yield f"  State: {words(isa['state'])}"
    yield f"  Digest of its terms: {isa['terms_hash']}"
    yield f"  Drafted by the house {isa.get('proposed_by', '')}"
    for party in terms.get("parties", []):
        yield f"  Party {party['org_id']}: {words(party['controller_role'])}, {party['regime']}"
        yield f"    Lawful basis: {words(party['lawful_basis'])}"
        yield f"    Health data: {party['article_9_condition']}; data of offences: {party['article_10_condition']}"
        yield f"    Policy document: {party['policy_document']}"
    yield f"  May receive: {', '.join(terms.get('recipients', []))}"
    yield f"  For: {', '.join(map(words, terms.get('purposes', [])))}"
    yield f"  What: {', '.join(map(words, terms.get('categories', [])))}"
    yield from _bases(terms)
    yield f"  From {day(terms['valid_from'])} to {day(terms['valid_to'])}, reviewed on {day(terms['review_on'])}"
    yield f"  What was received is kept for {terms['retention_days']} days"
    yield from _acts(isa)


def _bases(terms: Mapping[str, Any]) -> Iterator[str]:
    others = terms.get("confidentiality_bases", [])
    yield f"  Beside his own agreement it admits: {', '.join(map(words, others)) or 'nothing'}"
    if statutes := terms.get("statutes"):
        yield f"  Statutes: {', '.join(statutes)}"
    if basis := terms.get("standing_basis"):
        for_whom = ", ".join(terms.get("standing_recipients", []))
        yield f"  Without asking him each time, to {for_whom}: {words(basis)}, {terms.get('standing_reference', '')}"
    if associates := terms.get("associates"):
        yield f"  Treated as an Associate: {', '.join(associates)}"


def _acts(isa: Mapping[str, Any]) -> Iterator[str]:
    for act_ in isa.get("signed", []):
        yield f"  Signed for {act_['party']} {moment(act_['at'])}"
    if "suspended_at" in isa:
        agreed = ", ".join(act_["party"] for act_ in isa.get("resumed", [])) or "nobody yet"
        yield f"  Rests since {moment(isa['suspended_at'])}; lets it go on: {agreed}"
    if "ended_at" in isa:
        yield f"  Ended {moment(isa['ended_at'])}"


def reach_in_words(found: Mapping[str, Any]) -> Iterator[str]:
    """What he has agreed to, who holds to it, and since when: nothing is told by colour."""
    for answer in found.get("answers", []):
        about = answer.get("recipient") or answer.get("programme_id") or "the service"
        scope = f" ({', '.join(map(words, answer['scope_codes']))})" if answer.get("scope_codes") else ""
        yield f"{words(answer['purpose']).capitalize()}, {about}{scope}"
        again = f", to be asked again on {day(answer['review_on'])}" if answer.get("review_on") else ""
        yield f"  {words(answer['state']).capitalize()} here since {moment(answer['since'])}{again}"
        yield from map(_node, answer.get("nodes", []))
        everywhere = answer.get("in_force_everywhere_since")
        yield f"  In force everywhere since {moment(everywhere)}" if everywhere else "  Not yet in force everywhere"
        yield ""
    if lists := found.get("access_lists"):
        yield "Who may know of him"
        yield from map(_node, lists)
    if not found.get("answers"):
        yield "He has not been asked for anything yet."


def _node(node: Mapping[str, Any]) -> str:
    applied, told = int(node.get("applied_version", 0)), int(node.get("told_version", 0))
    there = applied >= told
    text = f"holds to it since {moment(node['applied_at'])}" if there else "was told, and has not answered yet"
    silent = "; it is not heard, and fails closed" if node.get("fails_closed") else ""
    return f"  {node['node_id']}: {text}{silent}"
