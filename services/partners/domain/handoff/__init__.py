"""One piece of work offered across houses: a closed loop with two sides (S35, `states.md` 7)."""
