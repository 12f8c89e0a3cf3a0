"""What the documents say of the code is what the code does."""

import re

import pytest

from tests.architecture import context_map
from tests.architecture.declared import PROMISE, hears, known_events, owns, promises, says
from tests.architecture.source import OF_THE_CARD, ROOT, SERVICES

BUILT = [service for service in OF_THE_CARD if (SERVICES / service / "README.md").exists()]
DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))


def test_the_context_map_is_current():
    assert context_map.MAP.read_text() == context_map.whole(), "run `make docs`"


def table(service: str, title: str) -> set[str]:
    """What stands in code spans in the first column of the table under this heading."""
    text = (SERVICES / service / "README.md").read_text()
    found = re.search(rf"^#+ [^\n]*\b{title}\b[^\n]*\n(.*?)(?=^#+ |\Z)", text, re.MULTILINE | re.DOTALL | re.IGNORECASE)
    assert found, f"{service}/README.md has no heading with the word {title}"
    rows = [line for line in found.group(1).splitlines() if line.startswith("|")]
    return {span for line in rows[2:] for span in re.findall(r"`([^`]+)`", line.split("|")[1])}


def difference(told: set[str], is_so: set[str] | frozenset[str]) -> str:
    return f"the table has {sorted(told - is_so)} too many and lacks {sorted(is_so - told)}"


@pytest.mark.parametrize("service", BUILT)
def test_the_readme_says_what_the_service_owns(service):
    told = table(service, "owns")
    assert told == owns(service), difference(told, owns(service))


@pytest.mark.parametrize("service", BUILT)
def test_the_readme_says_what_the_service_hears(service):
    told, heard = table(service, "hears"), {each.event for each in hears(service)}
    assert told == heard, difference(told, heard)


@pytest.mark.parametrize("service", BUILT)
def test_the_readme_says_what_the_service_says(service):
    told = table(service, "says")
    assert told == says(service), difference(told, says(service))


@pytest.mark.parametrize("service", BUILT)
def test_the_readme_says_what_the_service_promises(service):
    told = {code for code in table(service, "promises") if PROMISE.fullmatch(code)}
    assert told == promises(service), difference(told, promises(service))


def test_every_event_of_the_contracts_is_told_by_its_owner():
    for service in OF_THE_CARD:
        mine = {name for name, owner in known_events().items() if owner == service}
        assert says(service) <= mine, service
        if (SERVICES / service / "publications.py").exists():
            assert mine - says(service) == set(), f"{service} has contracts that nothing tells"


def test_nobody_hears_what_nobody_tells():
    told = {name for service in OF_THE_CARD for name in says(service)}
    if len(BUILT) == len(OF_THE_CARD):
        assert {each.event for service in OF_THE_CARD for each in hears(service)} - told == set()


def test_decisions_are_numbered_and_have_one_form():
    assert [int(file.name[:4]) for file in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for file in DECISIONS:
        text = file.read_text()
        assert text.startswith(f"# {file.name[:4]} "), file.name
        assert re.search(r"^Status: (accepted|proposed|superseded by \d{4}) · \d{4}-\d\d-\d\d$", text, re.MULTILINE), (
            file
        )
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences"], file.name


def test_the_index_of_decisions_is_complete():
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    assert re.findall(r"\]\((\d{4}-[a-z0-9-]+\.md)\)", index) == [file.name for file in DECISIONS]
