"""Everything one may ask of the casework service: about workers, about who works with whom, about engagements."""
