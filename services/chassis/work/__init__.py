"""One unit of work: one key, one actor, one transaction, one flush, whatever door it came through.

    begin      insert the key; the clock is read in the same statement
      permission → get (visible? right version?) → domain → put     news buffered, nothing in the journal yet
      flush:   aggregate rows in a fixed order; journal; promises; audit; answer: one statement
    commit
    refused: everything rolled back, the key too; then one audit entry by itself, and only then the refusal is raised

The same key twice has one effect and gives the same answer; a refusal is not remembered. Who dies between rolling
back and the entry has refused nobody yet: there was no answer, and the same request finds everything as it was.
"""

from chassis.work.commands import Command, Query, command, query
from chassis.work.running import Works
from chassis.work.unit import Work

__all__ = ["Command", "Query", "Work", "Works", "command", "query"]
