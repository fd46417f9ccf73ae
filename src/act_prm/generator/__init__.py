"""Generators of trajectories: online episodes, and thoughts for demonstrated actions."""

from act_prm.generator.context import GeneratorContext
from act_prm.generator.online import OnlineGenerator
from act_prm.generator.thoughts import ThoughtGenerator

__all__ = ["GeneratorContext", "OnlineGenerator", "ThoughtGenerator", "get_generator"]


def get_generator(context: GeneratorContext) -> OnlineGenerator | ThoughtGenerator:
    """Return the generator that the context's configuration names."""
    return OnlineGenerator(context) if context.config.online else ThoughtGenerator(context)
