"""One man's time with the service: the facts of it, and the record with its rules."""
