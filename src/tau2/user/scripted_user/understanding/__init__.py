"""Understands what an agent says: text in, dialogue acts out. Rules only, and no model.

The time is linear in the text, and the text that is looked at is bounded.
"""

from __future__ import annotations

from tau2.user.scripted_user.understanding.acts import Act, Heard
from tau2.user.scripted_user.understanding.reading import Unit
from tau2.user.scripted_user.understanding.recognition import understand

__all__ = ["Act", "Heard", "Unit", "understand"]
