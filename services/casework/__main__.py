"""`python -m casework serve|migrate|rewrap|rebuild|parked`."""

import sys

from casework.app import compose
from chassis.service import main

sys.exit(main(sys.argv[1:], compose))
