"""The chassis is everybody's: it knows no word of the domain, and it stays small."""

import ast
import io
import re
import tokenize

from tests.architecture.source import SERVICES, files, shown, tree, words

WORDS_OF_THE_DOMAIN = {
    "agreement", "agreements", "allocation", "allocations", "assessment", "assessments", "casework", "clinician",
    "consent", "consents", "custody", "engagement", "engagements", "eligibility", "handoff",
    "handoffs", "hostel", "licence", "licences", "mappa", "oasys", "offence", "practitioner", "practitioners",
    "prison", "prisons", "probation", "programme", "programmes", "psychologist", "quadrant", "recall", "recalls",
    "referral", "referrals", "referrer", "rosh", "screening", "session", "sessions", "support", "therapy", "triage",
    "volunteer", "volunteers",
}  # fmt: skip
# `access` holds `decide`, which judges consents and agreements; its codes of roles and purposes are data.
OF_ACCESS = {"agreement", "agreements", "consent", "consents"}
CODES_OF_ACCESS = {"Role", "Purpose", "Category"}
# Parameters of PostgreSQL and Kafka and arguments of the cryptography package; they name nothing of ours.
OTHER_PEOPLES = re.compile(r"[a-z_]*session_timeout[a-z_]*|key_agreement")


def lines_of_codes(file):
    return {
        line
        for node in tree(file).body
        if file.parent.name == "access" and isinstance(node, ast.ClassDef) and node.name in CODES_OF_ACCESS
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def domain_words(file):
    allowed = OF_ACCESS if file.parent.name == "access" else set()
    skipped = lines_of_codes(file)
    for token in tokenize.generate_tokens(io.StringIO(file.read_text()).readline):
        if token.start[0] not in skipped:
            for word in words(OTHER_PEOPLES.sub("", token.string)):
                if word in WORDS_OF_THE_DOMAIN - allowed:
                    yield f"{shown(file)}:{token.start[0]} {word}"


def test_the_chassis_knows_no_word_of_the_domain():
    assert [found for file in files("chassis") for found in domain_words(file)] == []


def test_the_schema_of_the_chassis_knows_none_either():
    found = [
        f"{shown(file)} {word}"
        for file in sorted((SERVICES / "chassis").rglob("*.sql"))
        for word in words(file.read_text())
        if word in WORDS_OF_THE_DOMAIN - OF_ACCESS
    ]
    assert found == []


def test_the_word_list_would_find_one(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.architecture.test_chassis.shown", lambda file: file.name)
    planted = tmp_path / "planted.py"
    planted.write_text("class OpenReferrals:\n    max_handoff = 1  # until the recall\n")

    assert [each.split()[1] for each in domain_words(planted)] == ["referrals", "handoff", "recall"]
