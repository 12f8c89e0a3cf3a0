"""Prints a record: `python -m chassis.envelope`."""

from chassis.envelope.printing import main

main()
