"""`python -m house.buses embedded …`."""

import sys

from house.buses.embedded import main

main(sys.argv[1:])
