"""Open Referral UK and HSDS 3: other directories' services in, our offers out.

Read tolerantly: what we do not know is passed over, what is empty is absent, a number may be written as text. What a
record must have, or has in a shape that cannot be right, is reported for that record; nothing of it is taken.
"""

from partners.gateways.open_referral.files import Unreadable, records
from partners.gateways.open_referral.reading import Fault, ReadRecord, read
from partners.gateways.open_referral.writing import written

__all__ = ["Fault", "ReadRecord", "Unreadable", "read", "records", "written"]
