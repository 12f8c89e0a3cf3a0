"""`python -m partners serve|migrate|rewrap|rebuild|parked`; `serve --only picture` runs the picture alone."""

import sys

from chassis.service import main
from partners.app import chosen

sys.exit(main(*chosen(sys.argv[1:])))
