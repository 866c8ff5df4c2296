"""A driver in a process of its own: `toy_driver.py STORE SCRATCH '{"seeds": 4, ...}'`.

It ends as the command line does: 0, or one sentence on stderr and the exit status of the signal.
"""

from __future__ import annotations

import json
import sys

import toy_trials as toy
from anypool.errors import PoolError
from anypool.study.drive import StoppedError, run_all
from anypool.study.pools import Processes
from anypool.study.progress import progress
from anypool.study.records import Plan
from anypool.study.store import open_store

PLAN = Plan("toy", ("toy",), "small", "head", ("avg", "max"), {"name": "toy"}, (0,))


def main(where, scratch, settings):
    """Run the toy trials that are missing in the store at `where`."""
    with open_store(where) as store, Processes(2) as executor:
        store.begin(PLAN, command="toy", machine={})
        run_all(
            toy.trials(**json.loads(settings)),
            store,
            name=PLAN.name,
            jobs=toy.jobs(scratch),
            executor=executor,
            work=toy.work,
            progress=progress(sys.stdout),
        )


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except StoppedError as stop:
        sys.stderr.write(f"{stop}\n")
        sys.exit(stop.code)
    except PoolError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
