"""`python -m notifications serve|migrate|rewrap|rebuild|parked`."""

import sys

from chassis.service import main
from notifications.app import compose

sys.exit(main(sys.argv[1:], compose))
