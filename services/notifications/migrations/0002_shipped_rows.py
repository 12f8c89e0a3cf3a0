"""What the release ships: who hears of what, how urgent, the words to avoid, and the templates, approved."""

from __future__ import annotations

import json
from datetime import date

from alembic import op

revision = "0002"
down_revision = "0001"

FROM = date(2020, 4, 1)
# fact: (only, told, channels, template, urgency, acknowledgement wanted), row by row.
AUDIENCE = {
    "referral.submitted": [("", "SM", "P+E", "referral-arrived", "TODAY", False)],
    "referral.reopened": [("", "SM", "P+E", "referral-arrived", "TODAY", False)],
    "referral.triage_started": [("", "REFERRER", "E", "referral-received", "ROUTINE", False)],
    "referral.accepted": [("", "REFERRER", "E", "referral-decided", "TODAY", False)],
    "referral.declined": [("", "REFERRER", "E", "referral-decided", "TODAY", False)],
    "referral.withdrawn": [("", "SM WORKER REFERRER", "P+E", "referral-ended", "TODAY", False)],
    "referral.expiring": [("", "REFERRER", "E", "draft-ends", "DIGEST", False)],
    "referral.expired": [("", "REFERRER", "E", "draft-ends", "DIGEST", False)],
    "allocation.requested": [("", "SM", "P+E", "allocate-worker", "TODAY", False)],
    "allocation.proposed": [("", "SM", "P+E", "allocate-worker", "TODAY", False)],
    "consent.withdrawn": [("", "WORKER SM", "P+E,S", "consent-stopped", "TODAY", True)],
    "consent.declined": [("", "WORKER SM", "P+E,S", "consent-stopped", "TODAY", True)],
    "consent.expiring": [("", "WORKER", "P,E", "consent-review", "ROUTINE", False)],
    "prompt.raised": [
        ("", "VIEWER", "P,E", "prompt", "DIGEST", False),
        ("RECALL_SUGGESTED", "VIEWER", "P,E", "prompt", "TODAY", False),
        ("ERASURE_AT_SOURCE", "VIEWER", "P,E", "prompt", "TODAY", False),
    ],
    "deadline_missed": [
        ("", "KEEPER", "P+E", "promise-missed", "TODAY", True),
        ("L9", "KEEPER", "P+E+S", "promise-missed", "SAFETY", True),
    ],
    **{
        f"worker.{what}": [
            ("", "WORKER WORKER_BEFORE", "P+E,S", "worker-named", "TODAY", True),
            ("", "PRACTITIONER", "E", "engagement-news", "ROUTINE", False),
        ]
        for what in ("allocated", "reallocated", "cover_set")
    },
    **{
        f"engagement.{what}": [("", "PRACTITIONER", "E", "engagement-news", "ROUTINE", False)]
        for what in ("opened", "reopened", "paused", "resumed", "closed")
    },
    **{
        f"practitioner.{what}": [("", "PRACTITIONER WORKER", "E", "practitioner-changed", "ROUTINE", False)]
        for what in ("assigned", "changed", "cover_set")
    },
}
# Who keeps a promise, the first of them that there is; who sees a kind of prompt, all of them.
KEEPERS = {
    **dict.fromkeys(("L1", "L2", "L9", "L18"), "SM"),
    **dict.fromkeys(("L3", "L4", "L5", "L6", "L10", "L11", "L12", "L20", "L21"), "WORKER"),
    "L8": "CP",
    "L19": "OPS",
    "L23": "IG",
}
VIEWERS = {
    **dict.fromkeys(("SCREENING_UNREADABLE", "PRACTITIONER_CHANGED", "RISK_CHANGED"), "PRACTITIONER SM"),
    **dict.fromkeys(("LICENCE_CHANGED", "CUSTODY_CHANGED", "ROTL_CHANGED", "STALE"), "PRACTITIONER WORKER"),
    "RECALL_SUGGESTED": "PRACTITIONER CP SM",
    "MERGE_SUGGESTED": "SM",
    "ERASURE_AT_SOURCE": "IG",
}


def _step(to: str, unit: str, amount: int, **more: object) -> dict[str, object]:
    return {"to": to, "wait": {"unit": unit, "amount": amount}, **more}


# urgency: (leaves, steps of the ladder, hours of use, minutes until it is handed to its channel).
URGENCIES = {
    "SAFETY": (
        "AT_ONCE",
        [
            _step("BACKUP", "MINUTES", 5),
            _step("SM", "MINUTES", 10),
            _step("EVERY_SM", "MINUTES", 15, every=15),
        ],
        24,
        1,
    ),
    "TODAY": (
        "OUTSIDE_QUIET_HOURS",
        [
            _step("NEXT_CHANNEL", "MINUTES", 120),
            _step("SM", "WORKING_HOURS", 4),
            _step("SM", "NEXT_WORKING_DAY_AT", 10),
        ],
        72,
        15,
    ),
    "ROUTINE": (
        "NEXT_OPENING",
        [_step("NEXT_CHANNEL", "MINUTES", 0), _step("SM", "WORKING_DAYS", 3, urgency="DIGEST")],
        336,
        None,
    ),
    "DIGEST": ("DIGEST", [], 168, None),
}
STIGMA = {
    "offender": "person on probation",  # codespell:ignore
    "ex-offender": "person with a conviction",  # codespell:ignore
    "criminal": "person with a conviction",
    "convict": "person with a conviction",  # codespell:ignore
    "inmate": "person in prison",  # codespell:ignore
    "addict": "person with a dependency",  # codespell:ignore
    "PD": "",
    "PD service": "the service",
    "manipulative": "say what happened",
    "attention seeking": "say what he needs",
    "non-compliant": "say what did not happen",
    "refused to engage": "did not take part",
}
DIAGNOSIS = (
    "personality disorder",
    "borderline",
    "antisocial",
    "psychopath",
    "schizophrenia",
    "diagnosis",
    "diagnosed",
)
REVEALS = (
    "probation",
    "prison",
    "recall",
    "licence",
    "court",
    "psychology",
    "mental health",
    "engagement service",
    "OPD",
)
ABOUT = "Sign in to see it. This message holds no personal details, so please do not answer it with any."


def _mail(subject: str, text: str) -> dict[str, str]:
    return {"channel": "EMAIL", "subject": subject, "body": f"{text}\n\n{ABOUT}\n"}


def _texts(subject: str, text: str, *others: str) -> list[dict[str, str]]:
    short = {"PAGE": text, "SMS": f"Case {{reference}}: {subject}. Please sign in."}
    return [_mail(f"Case {{reference}}: {subject}", text)] + [
        {"channel": other, "subject": "", "body": short[other]} for other in others
    ]


TEMPLATES = {
    "referral-arrived": _texts("a referral has arrived", "Referral {reference} waits for triage.", "PAGE"),
    "referral-received": _texts("referral received", "Triage of referral {reference} has begun."),
    "referral-decided": _texts("referral decided", "Referral {reference} is decided: {what}."),
    "referral-ended": _texts("referral ended", "Referral {reference} has ended: {what}.", "PAGE"),
    "draft-ends": _texts("a draft", "A referral that you started has not been sent: {what}. Last day: {due_on}."),
    "allocate-worker": _texts("a worker is needed", "Case {reference} waits for a worker: {what}.", "PAGE"),
    "worker-named": _texts(
        "work on a case", "Your part in case {reference} has changed: {what}. Please acknowledge.", "PAGE", "SMS"
    ),
    "engagement-news": _texts("news", "News of case {reference}: {what}."),
    "consent-stopped": _texts(
        "what was agreed has changed",
        "In case {reference} something that was agreed is not agreed any more. Stop what stands on it, then"
        " acknowledge.",
        "PAGE",
        "SMS",
    ),
    "consent-review": _texts(
        "time to ask again", "What was agreed in case {reference} is due to be asked again by {due_on}.", "PAGE"
    ),
    "practitioner-changed": _texts("who is responsible", "In case {reference}: {what}."),
    "prompt": _texts("something to look at", "Something outside suggests a look at case {reference}: {what}.", "PAGE"),
    "promise-missed": _texts(
        "a promise is late",
        "Case {reference} is late: {what}. It was due on {due_on}. Please acknowledge, and say what happens next.",
        "PAGE",
        "SMS",
    ),
}
AUDIENCE_ROW = "insert into audience values ($1, $2, $3, $4, $5::text::jsonb, $6, $7, $8, $9)"
KEEPER_ROW = "insert into keeper values ($1, $2, $3::text::jsonb, $4)"
URGENCY_ROW = "insert into urgency values ($1, $2, '1', $3, $4::text::jsonb, $5, $6)"
PACK_ROW = "insert into word_pack values ('1', $1, $2::text::jsonb)"
TEMPLATE_ROW = "insert into template values ($1, 1, $2, 1, 'STAFF', $3::text::jsonb, 'APPROVED', 'release', 'release')"
# The one fact of a shipped template, as the service itself would have written it; no person is concerned.
SHIPPED_FACT = """
insert into journal (position, event_id, aggregate_type, aggregate_id, version, fact_type, fact, occurred_at,
    recorded_at, actor_role, actor_ref, correlation_id)
select nextval('journal_position'), gen_random_uuid(), 'template', t.id, 1, 'Shipped',
    '\\x00'::bytea || convert_to(json_build_object(
        'at', to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'template', t.name, 'number', t.number
    )::text, 'UTF8'), at, at, 'SYSTEM', 'release', gen_random_uuid()
from template as t, house_now() as at order by t.name
"""


def _audience() -> list[tuple[object, ...]]:
    return [
        (fact, FROM, place, only, json.dumps(told.split()), *rest)
        for fact, rows in AUDIENCE.items()
        for place, (only, told, *rest) in enumerate(rows)
    ]


def _keepers() -> list[tuple[object, ...]]:
    return [
        (about, FROM, json.dumps(told.split()), first)
        for rows, first in ((KEEPERS, True), (VIEWERS, False))
        for about, told in rows.items()
    ]


def _words() -> list[dict[str, str]]:
    words = [{"term": term, "smell": "STIGMA", "prefer": prefer} for term, prefer in STIGMA.items()]
    words += [{"term": term, "smell": "DIAGNOSIS"} for term in DIAGNOSIS]
    return words + [{"term": term, "smell": "REVEALS_SERVICE"} for term in REVEALS]


def _templates() -> list[tuple[object, ...]]:
    return [
        (f"00000000-0000-7000-8000-{nth:012d}", name, json.dumps(texts))
        for nth, (name, texts) in enumerate(sorted(TEMPLATES.items()), start=1)
    ]


def upgrade() -> None:
    """The first rows of everything that is dated."""
    urgencies = [(name, FROM, leaves, json.dumps(steps), *rest) for name, (leaves, steps, *rest) in URGENCIES.items()]
    rows = {
        AUDIENCE_ROW: _audience(),
        KEEPER_ROW: _keepers(),
        URGENCY_ROW: urgencies,
        PACK_ROW: [(FROM, json.dumps(_words()))],
        TEMPLATE_ROW: _templates(),
    }
    connection = op.get_bind().connection.dbapi_connection
    for sql, values in rows.items():
        connection.run_async(lambda conn, sql=sql, values=values: conn.executemany(sql, values))
    connection.run_async(lambda conn: conn.execute(SHIPPED_FACT))
