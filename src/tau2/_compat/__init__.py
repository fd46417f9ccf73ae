"""What exists only for import paths and monkeypatch points of the original package.

The modules at the old paths (`tau2.run`, `tau2.utils.llm_utils`, ...) re-export from here. The rest
of the package imports nothing from here except `patched`.
"""
