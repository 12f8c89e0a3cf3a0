"""Who hears of work between houses, in each house its own people; new rows and a new template alone."""

from __future__ import annotations

import json
from datetime import date

from alembic import op

revision = "0003"
down_revision = "0002"

FROM = date(2020, 4, 1)
NEWS = ["HANDLER"], "P+E", "handoff-news", "TODAY"
# fact: (only, told, channels, template, urgency, acknowledgement wanted), row by row.
AUDIENCE = {
    "handoff.offered": [("", *NEWS, False), ("RECEIVER", *NEWS, True)],
    **{f"handoff.{what}": [("", *NEWS, False)] for what in ("accepted", "declined", "expired", "failed")},
    "referral.redirected": [("", ["REFERRER"], "E", "referral-decided", "TODAY", False)],
}
# The side that is late tells its own house, so whoever handles it here keeps it.
KEEPERS = ("L7", "L22")
ABOUT = "Sign in to see it. This message holds no personal details, so please do not answer it with any."
TEXTS = [
    {
        "channel": "EMAIL",
        "subject": "{reference}: work between organisations",
        "body": f"News of {{reference}}: {{what}}.\n\n{ABOUT}\n",
    },
    {"channel": "PAGE", "subject": "", "body": "News of {reference}: {what}."},
]
TEMPLATE_ID = "00000000-0000-7000-8000-000000000014"
AUDIENCE_ROW = "insert into audience values ($1, $2, $3, $4, $5::text::jsonb, $6, $7, $8, $9)"
KEEPER_ROW = "insert into keeper values ($1, $2, $3::text::jsonb, $4)"
TEMPLATE_ROW = "insert into template values ($1, 1, $2, 1, 'STAFF', $3::text::jsonb, 'APPROVED', 'release', 'release')"
# The one fact of a shipped template, as the service itself would have written it; no person is concerned.
SHIPPED_FACT = """
insert into journal (position, event_id, aggregate_type, aggregate_id, version, fact_type, fact, occurred_at,
    recorded_at, actor_role, actor_ref, correlation_id)
select nextval('journal_position'), gen_random_uuid(), 'template', t.id, 1, 'Shipped',
    '\\x00'::bytea || convert_to(json_build_object(
        'at', to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'template', t.name, 'number', t.number
    )::text, 'UTF8'), at, at, 'SYSTEM', 'release', gen_random_uuid()
from template as t, house_now() as at where t.name = 'handoff-news'
"""


def upgrade() -> None:
    """The rows of handoffs."""
    audience = [
        (fact, FROM, place, only, json.dumps(told), *rest)
        for fact, rows in AUDIENCE.items()
        for place, (only, told, *rest) in enumerate(rows)
    ]
    rows = {
        AUDIENCE_ROW: audience,
        KEEPER_ROW: [(about, FROM, json.dumps(["HANDLER"]), True) for about in KEEPERS],
        TEMPLATE_ROW: [(TEMPLATE_ID, "handoff-news", json.dumps(TEXTS))],
    }
    connection = op.get_bind().connection.dbapi_connection
    for sql, values in rows.items():
        connection.run_async(lambda conn, sql=sql, values=values: conn.executemany(sql, values))
    connection.run_async(lambda conn: conn.execute(SHIPPED_FACT))
