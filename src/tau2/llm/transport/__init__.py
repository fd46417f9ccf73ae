"""How model requests travel: where to (`endpoint`), and the HTTP clients that send them.

`sync_client` is built on httpx and `async_client` on aiohttp. Each is imported by the first call
that needs it; importing this package loads neither.
"""
