-- What a house needs to exchange messages with others: topics that rest, and what came in and could not be trusted.

create table held_topic (
    topic text primary key
);
-- A row of a held topic stays pending, in its place, until the topic is released.
alter table pending add column held boolean not null default false;

-- Apart from parked messages: it may be forged, so it holds nobody's stream back, and its content is not kept.
create table quarantined (
    nth bigint generated always as identity primary key,
    topic text not null,
    partition int not null,
    record_offset bigint not null,
    source text not null,
    reason text not null,
    digest bytea not null,
    at timestamptz not null
);
create index quarantined_at on quarantined (at);
