"""Public path of the original package."""

from tau2._compat.files import dump_file, expand_paths, load_file

__all__ = ["dump_file", "expand_paths", "load_file"]
