"""P1: command throughput of the service layer against PostgreSQL alone: pgbench with the very statements of a command."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from benchmarks.measure import Run, Table, timed
from tests.chassis.toy import begin, calling

if TYPE_CHECKING:
    from benchmarks.stage import Stage

# What `begin` sends, statement by statement, with pgbench's own values: the same rows in the same tables.
SCRIPT = r"""
\set n random(1, 1000000000)
BEGIN;
INSERT INTO received (key, fingerprint, command, kept_until) VALUES (gen_random_uuid(), '', 'thing.begin', house_now() + make_interval(days => 7)) ON CONFLICT (key) DO NOTHING RETURNING house_now();
SAVEPOINT s;
INSERT INTO keys.person_key SELECT gen_random_uuid(), decode(repeat('ab', 60), 'hex'), house_now() ON CONFLICT DO NOTHING;
SELECT person_id, wrapped FROM keys.person_key WHERE person_id = '00000000-0000-7000-8000-000000000000';
INSERT INTO thing (id, version, case_id, person_id, status, keeper, crn_hash, sealed) VALUES (gen_random_uuid(), 1, gen_random_uuid(), gen_random_uuid(), 'OPEN', '', NULL, decode(repeat('ab', 80), 'hex'));
INSERT INTO stream_head AS head (topic, key, seq) VALUES ('together.referral.v1', :n::text, 1) ON CONFLICT (topic, key) DO UPDATE SET seq = head.seq + excluded.seq RETURNING topic, key, seq;
WITH given AS (SELECT nextval('journal_position') AS position), kept AS (INSERT INTO journal (position, event_id, topic, key, sequence, aggregate_type, aggregate_id, version, fact_type, fact, headers, message, occurred_at, recorded_at, actor_role, actor_ref, correlation_id) SELECT position, gen_random_uuid(), 'together.referral.v1', gen_random_uuid()::text, 1, 'thing', gen_random_uuid(), 1, 'Begun', decode(repeat('ab', 90), 'hex'), decode(repeat('ab', 700), 'hex'), decode(repeat('ab', 40), 'hex'), now(), now(), 'SM', 'staff-sm-1', gen_random_uuid() FROM given) INSERT INTO pending (position, shard) SELECT position, 1 FROM given;
INSERT INTO promises (id, aggregate_type, aggregate_id, code, due_at, made_at, detail) VALUES (gen_random_uuid(), 'thing', gen_random_uuid(), 'L1', now(), now(), '{}');
INSERT INTO audit (id, at, actor_ref, actor_role, organisation, purpose, action, record, outcome, correlation_id) VALUES (gen_random_uuid(), now(), 'staff-sm-1', 'SM', 'together', 'DELIVER_SUPPORT', 'thing.begin', '', 'done', gen_random_uuid());
RELEASE SAVEPOINT s;
UPDATE received SET answer = '{}' WHERE key = '00000000-0000-7000-8000-000000000000';
COMMIT;
"""


async def _pgbench(stage: Stage, clients: int, seconds: int) -> Run:
    script = stage.folder / "command.sql"
    script.write_text(SCRIPT)
    process = await asyncio.create_subprocess_exec(
        str(stage.bin / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2)),
        "-T", str(seconds), "-f", str(script), stage.url,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    found = re.search(r"tps = ([0-9.]+)", out.decode())
    if found is None:
        raise RuntimeError(out.decode()[-800:])
    return Run(rate=float(found[1]), cpu=0.0)


async def measure(stage: Stage, *, rounds: int, seconds: int = 4) -> list[Table]:
    """At 1, 4 and 8 clients."""
    tables = []
    for clients in (1, 4, 8):
        table = Table(f"P1-{clients}", f"commands at {clients} clients: ours against pgbench")

        async def ours(clients: int = clients) -> int:
            until = asyncio.get_running_loop().time() + seconds

            async def one() -> int:
                done = 0
                while asyncio.get_running_loop().time() < until:
                    await stage.toy.do(begin, calling(), note="a note")
                    done += 1
                return done

            return sum(await asyncio.gather(*(one() for _ in range(clients))))

        for number in range(rounds + 1):
            a, b = await timed(ours), await _pgbench(stage, clients, seconds)
            if number:
                table.runs.setdefault("works.do", []).append(a)
                table.runs.setdefault("pgbench, the same statements", []).append(b)
        ratio = table.ratio("works.do", "pgbench, the same statements")
        table.notes.append(f"ratio {ratio:.2f}; goal at least 0.6")
        tables.append(table)
    return tables
