#!/bin/sh
# Runs once, in a new database server: a database and two roles for each service of this house.
set -eu

here=/etc/throughcare/database
secrets=/run/secrets
for file in "$secrets"/*_owner.password; do
	service=$(basename "$file" _owner.password)
	psql --quiet --username=postgres --dbname=postgres --set=ON_ERROR_STOP=1 \
		--set=service="$service" --set=owner="${service}_owner" \
		--set=database="$(echo "${NODE_ID}_${service}" | tr - _)" \
		--set=password="$(cat "$secrets/$service.password")" --set=owner_password="$(cat "$file")" \
		--file="$here/service.sql"
done
