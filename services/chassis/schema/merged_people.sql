-- Which record of a person was joined to which, as heard, and the pairs of records of one man that a trigger makes of it.
-- Made in the schema that the search path names first; the trigger keeps to it.
create table merged_people (
    old_id uuid primary key,
    into_id uuid,
    seq bigint not null
);
create table same_person (
    person_id uuid not null,
    other_id uuid not null,
    primary key (person_id, other_id)
);
create function pair_same_person() returns trigger language plpgsql set search_path from current as $pairs$
begin
    -- Whoever comes second waits, and then sees what the first has joined.
    lock table same_person in share row exclusive mode;
    delete from same_person;
    insert into same_person
    with recursive joined (person_id, other_id) as (
        select old_id, into_id from merged_people where into_id is not null
        union all select into_id, old_id from merged_people where into_id is not null
    ), reached (person_id, other_id) as (
        select person_id, other_id from joined
        union select reached.person_id, joined.other_id from reached join joined on joined.person_id = reached.other_id
    )
    select person_id, other_id from reached where person_id <> other_id;
    return null;
end $pairs$;
create trigger pairs after insert or update or delete on merged_people
    for each statement execute function pair_same_person();
