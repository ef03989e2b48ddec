"""The JobTypes that come with the program: YAML, as a user would write it."""
