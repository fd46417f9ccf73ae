"""Makes the airline's data: `python -m tau2.domains.airline.factory --seed N --out DIR`.

The committed `db.json`, `tasks.json` and `split_tasks.json` are what the default seed gives.
Playing and grading need nothing of this; `tasks.generate_tasks` makes further tasks over any of the
airline's worlds.
"""
