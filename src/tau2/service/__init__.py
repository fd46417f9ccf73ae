"""Pages about domains in a browser: policy, tools to try out, tasks.

Loopback only, behind a token, without scripts and without a request to anywhere else.
"""
