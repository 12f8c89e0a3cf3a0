"""Draws docs/map.md from publications and subscriptions: who tells whom what.

`make docs` writes it; a test keeps it current. What stands outside the two marks is written by hand.
"""

from __future__ import annotations

import sys

from tests.architecture.declared import Subscription, asked, facts_told, hearers, hears, known_events, says
from tests.architecture.source import OF_THE_CARD, ROOT
from tests.contracts.messages import events, key_of, reach_of
from throughcare.options.v1 import options_pb2

MAP = ROOT / "docs" / "map.md"
BEGIN, END = "<!-- drawn by make docs: begin -->", "<!-- drawn by make docs: end -->"
KEYS = {
    options_pb2.KEY_CASE: "case",
    options_pb2.KEY_PERSON: "person",
    options_pb2.KEY_AGGREGATE: "aggregate",
    options_pb2.KEY_TYPE: "type",
}
REACHES = {
    options_pb2.REACH_NODE: "node",
    options_pb2.REACH_SHARE: "share",
    options_pb2.REACH_AGGREGATE: "aggregate",
}
LEADS_TO = {"command": "does something", "projection": "remembers", "effect": "acts outside"}


def listener(each: Subscription) -> str:
    """The service, and its group where that has a name of its own."""
    service = next(name for name in OF_THE_CARD if each in hears(name))
    group = each.group.removeprefix(f"{service}.")
    return service if group == service else f"{service} ({group})"


def picture() -> list[str]:
    """The four services and what goes between them, as a Mermaid chart."""
    lines = ["```mermaid", "flowchart LR"]
    for teller in OF_THE_CARD:
        for hearer in OF_THE_CARD:
            heard = {each.event for each in hears(hearer) if known_events()[each.event] == teller}
            if heard and hearer != teller:
                lines.append(f"    {teller} -- {len(heard)} facts --> {hearer}")
    lines += [f"    {service}" for service in OF_THE_CARD]
    return [*lines, "```", ""]


def row(name: str, told: bool, heard: list[Subscription]) -> str:
    """One fact: what orders it, how far it may go, and who does what with it."""
    kind = next(each for each in events() if each.DESCRIPTOR.name == name)
    effects: dict[str, set[str]] = {}
    for each in heard:
        effects.setdefault(listener(each), set()).add(LEADS_TO[each.leads_to])
    who = "; ".join(f"{hearer} {' and '.join(sorted(does))}" for hearer, does in sorted(effects.items()))
    note = who or "nobody yet"
    if not told:
        note = f"not told yet; {note}" if who else "not told yet"
    descriptor = kind.DESCRIPTOR
    return f"| `{name}` | {KEYS[key_of(descriptor)]} | {REACHES[reach_of(descriptor)]} | {note} |"


def drawn() -> str:
    """The part of the map that follows from the code."""
    lines = picture()
    heard = hearers()
    for service in OF_THE_CARD:
        names = sorted(name for name, owner in known_events().items() if owner == service)
        commands, questions = len(asked(service, "command")), len(asked(service, "query"))
        lines += [
            f"### What {service} tells",
            "",
            (
                f"{len(says(service))} messages from {len(facts_told(service))} facts; "
                f"{commands} commands and {questions} questions stand behind its doors."
            ),
            "",
            "| Message | Key | Reach | Heard by |",
            "|---|---|---|---|",
            *(row(name, name in says(service), heard.get(name, [])) for name in names),
            "",
        ]
    return "\n".join(lines)


def whole() -> str:
    """The file as it should stand."""
    text = MAP.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{drawn()}\n{END}{after}"


def main() -> int:
    """Writes the map with --write; without, says whether it is current."""
    if "--write" in sys.argv[1:]:
        MAP.write_text(whole())
        print(MAP.relative_to(ROOT))
        return 0
    return int(MAP.read_text() != whole())


if __name__ == "__main__":
    sys.exit(main())
