"""Public path of the original package."""

from tau2._compat.plain import BaseModelNoExtra, get_pydantic_hash, update_pydantic_model_with_dict

__all__ = ["BaseModelNoExtra", "get_pydantic_hash", "update_pydantic_model_with_dict"]
