"""A driver in a process of its own: `toy_driver.py STORE SCRATCH '{"seeds": 4, ...}'`.

It ends as the command line does: 0, or one sentence on stderr and the exit status of the signal.
"""

from __future__ import annotations

import json
import sys

from anypool.errors import PoolError


def main(where, scratch, settings):
    """Run the toy trials that are missing in the store at `where`."""
    # each worker reads this file too, and shall not load what only the driver needs
    import toy_trials as toy
    from anypool.study.drive import run_all
    from anypool.study.pools import Processes
    from anypool.study.progress import progress
    from anypool.study.records import Plan
    from anypool.study.store import open_store

    plan = Plan("toy", ("toy",), "small", "head", ("avg", "max"), {"name": "toy"}, (0,))
    with open_store(where) as store, Processes(2) as executor:
        store.begin(plan, command="toy", machine={})
        run_all(
            toy.trials(**json.loads(settings)),
            store,
            name=plan.name,
            jobs=toy.jobs(scratch),
            executor=executor,
            work=toy.work,
            progress=progress(sys.stdout),
        )


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except PoolError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(getattr(error, "code", 1))
