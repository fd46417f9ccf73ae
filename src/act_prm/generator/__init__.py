"""Where trajectories come from: episodes played online, and thoughts for demonstrated actions."""

from act_prm.generator.online import OnlineGenerator
from act_prm.generator.setting import Setting
from act_prm.generator.thoughts import ThoughtGenerator

__all__ = ["OnlineGenerator", "Setting", "ThoughtGenerator", "get_generator"]


def get_generator(setting: Setting) -> OnlineGenerator | ThoughtGenerator:
    """Return the generator that a configuration names."""
    return OnlineGenerator(setting) if setting.config.online else ThoughtGenerator(setting)
