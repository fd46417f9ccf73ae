"""Makes the retail data: `python -m tau2.domains.retail.factory --seed N --out DIR`.

The committed `db.json`, `tasks.json` and `split_tasks.json` are what the default seed gives.
Nothing here is needed at run time.
"""
