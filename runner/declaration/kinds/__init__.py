"""The kinds of objects: which fields each has."""
