"""Reinforcement learning on tau2 tasks: environments, demonstrations, and Act-PRM training.

`act_prm.environments` needs nothing beyond tau2; the models and trainers need the extra `train` or
`tinker`.
"""
