"""`python -m house` is `throughcare`."""

from house.cli import main

main()
