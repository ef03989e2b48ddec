"""The action kinds: how each step kind is performed, in the child."""
