"""A company's tools over a database that is cheap to start, fork and compare."""
