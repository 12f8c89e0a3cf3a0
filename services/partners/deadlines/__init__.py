"""What partners promises, and what a due promise leads to."""

from partners.deadlines import offers, signposts
from partners.deadlines.promises import DEADLINES

__all__ = ["DEADLINES", "offers", "signposts"]
