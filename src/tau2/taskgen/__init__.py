"""What the task factories of the domains share.

A factory makes a database and tasks over it from a seed. A task begins as a `TaskDraft`: a
customer, a fork of the database, and a record of what an ideal agent does there. Intents add to the
draft what the customer wants; their texts are in TOML files (`Wording`). A draft whose reference is
sound becomes a `Task`, and `distinct_tasks` repeats that until there are enough.
"""
