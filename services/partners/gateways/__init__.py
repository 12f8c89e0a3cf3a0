"""Systems outside the house that partners speaks with."""
