"""Where a study lives: one SQLite file, or a PostgreSQL database by its URL.

    store = open_store("study.db")

One driver writes, in whole transactions, under a lease; everyone else reads.
"""

from __future__ import annotations

from .lease import Held
from .store import Store, open_store
from .studies import Entry, Line, Session

__all__ = ["Entry", "Held", "Line", "Session", "Store", "open_store"]
