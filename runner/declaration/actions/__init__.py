"""The action kinds: which fields each step kind has."""
