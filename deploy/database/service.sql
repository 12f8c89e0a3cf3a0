-- One service's database and its two roles. The owner migrates; the service itself reads and writes rows of its own
-- database, and can do no more: it makes no table, switches no trigger off, and connects to no other database.
create role :"owner" login password :'owner_password';
create role :"service" login password :'password';
alter role :"service" set idle_in_transaction_session_timeout = '30s';
create database :"database" owner :"owner";
revoke all on database :"database" from public;
grant connect on database :"database" to :"service", :"owner";
\connect :"database"
alter default privileges for role :"owner" grant select, insert, update, delete on tables to :"service";
alter default privileges for role :"owner" grant usage, select on sequences to :"service";
alter default privileges for role :"owner" grant usage on schemas to :"service";
