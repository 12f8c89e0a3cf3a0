"""What goes wrong in ways that are foreseen: a sentence for a person, and how to mend it; never a traceback."""

from __future__ import annotations


class Trouble(Exception):  # noqa: N818 - read by an operator, not caught as an error
    """Something expected stands in the way. `mend` says what to do; `code` is the exit code of the command."""

    def __init__(self, sentence: str, *, mend: str = "", code: int = 1) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.mend = mend
        self.code = code
