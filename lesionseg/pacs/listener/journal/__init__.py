"""What was received, what became of it, and what was sent: one SQLite file that outlives the process."""

from lesionseg.pacs.listener.journal.journal import Journal
from lesionseg.pacs.listener.journal.records import Job, ReceivedObject, Result, State, Transition

__all__ = ["Job", "Journal", "ReceivedObject", "Result", "State", "Transition"]
