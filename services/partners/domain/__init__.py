"""Who we work with, and their houses."""
