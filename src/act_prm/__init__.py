"""Reinforcement learning on tau2 tasks: online environments, demonstrations, and action process-reward training.

`act_prm.environments` needs nothing beyond tau2; the models and trainers need the extra `train` or
`tinker`.
"""
