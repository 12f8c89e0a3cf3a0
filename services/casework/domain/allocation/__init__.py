"""Who works with whom: the facts of it, and the record with its rules."""
