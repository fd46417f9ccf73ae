"""The documentation of domains as a website on this machine: policies, tools to try out, tasks.

`server` listens on the loopback interface, `guard` decides which requests are answered, `app` has
the pages, and `templates/` holds their HTML. The pages have no scripts and load nothing from other
sites.
"""
