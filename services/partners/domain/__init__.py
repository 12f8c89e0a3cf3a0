"""Who we work with."""
