"""Small shared helpers; the submodules are public paths of the original package."""

from tau2.utils.utils import DATA_DIR, format_time, get_now

__all__ = ["DATA_DIR", "format_time", "get_now"]
