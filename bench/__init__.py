"""Side by side with the peers: `python -m bench`, or `make bench`. See docs/performance.md.

The cases come from the one table that the tests read too, tests/cases.py.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"

sys.path.insert(0, str(ROOT / "tests"))  # cases.py is read by name, as the tests do
