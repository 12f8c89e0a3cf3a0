"""`python -m referral serve|migrate|rewrap|rebuild|parked`."""

import sys

from chassis.service import main
from referral.app import compose

sys.exit(main(sys.argv[1:], compose))
