"""One row per fact, in the transaction of the change: the audit of facts, the outbox, the source of every replay.

A sequence number is not a commit order. So at the flush the heads of all streams of the work are raised in one
statement, sorted; their row locks are held to the commit, and positions are drawn only after them: for one stream,
sequence, position and commit order then coincide (ADR 0005). All of it is one statement, in which each part needs
what the one before returns. Rows are never changed; what is to be sent stands in `pending` until the bus has
acknowledged it.
"""

from chassis.journal.lines import News, feed_topic
from chassis.journal.publications import Publications
from chassis.journal.stubs import feed_head, stub_pending
from chassis.journal.writing import fact_of, shard_of, write

__all__ = ["News", "Publications", "fact_of", "feed_head", "feed_topic", "shard_of", "stub_pending", "write"]
