-- What a service remembers of the bus: how far each group has read, what of each stream it applied, what waits.

create table bus_seen (
    grp text primary key,
    cluster text not null
);

create table consumer_offset (
    cluster text not null,
    grp text not null,
    topic text not null,
    partition int not null,
    next bigint not null,
    primary key (cluster, grp, topic, partition)
) with (fillfactor = 50);

create table watermark (
    grp text not null,
    topic text not null,
    key text not null,
    seq bigint not null,
    at timestamptz not null,
    primary key (grp, topic, key)
) with (fillfactor = 80);

create table journal_read (
    grp text not null,
    topic text not null,
    position bigint not null,
    primary key (grp, topic)
);

create table parked (
    nth bigint generated always as identity primary key,
    grp text not null,
    topic text not null,
    key text not null,
    raw_key bytea,
    sequence bigint,
    type text not null,
    headers jsonb not null,
    value bytea,
    reason text not null,
    sentence text not null,
    parked_at timestamptz not null,
    attempts int not null default 0,
    next_try_at timestamptz,
    drop_proposed_by text,
    drop_reason text
);
create index parked_stream on parked (grp, topic, key, sequence, nth);
-- What is heard again while it waits is the same message.
create unique index parked_once on parked (grp, topic, key, sequence) where sequence is not null;
create index parked_key on parked (key);
create index parked_due on parked (next_try_at) where next_try_at is not null;

create table parked_dropped (
    nth bigint primary key,
    grp text not null,
    topic text not null,
    key text not null,
    sequence bigint,
    type text not null,
    reason text not null,
    proposed_by text not null,
    confirmed_by text not null,
    because text not null,
    dropped_at timestamptz not null
);
create table rebuilt (
    grp text not null,
    at timestamptz not null,
    messages bigint not null,
    live text not null,
    rebuilt text not null,
    primary key (grp, at)
);

create trigger parked_dropped_insert_only before update or delete or truncate on parked_dropped
    for each statement execute function insert_only();

-- A queue is short and its rows live for milliseconds: the defaults clean it too late.
alter table pending set (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0
);
alter table consumer_offset set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
