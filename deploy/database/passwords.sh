#!/bin/sh
# Run in the container of the database: gives roles the passwords that stand in /run/secrets: passwords.sh ROLE …
# Who is connected stays so.
set -eu

for role in "$@"; do
	psql --quiet --host=/var/run/postgresql --username=postgres --dbname=postgres --set=ON_ERROR_STOP=1 \
		--set=role="$role" --set=password="$(cat "/run/secrets/$role.password")" <<-SQL
		alter role :"role" password :'password';
	SQL
done
