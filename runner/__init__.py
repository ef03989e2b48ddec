"""A declarative, GitOps-style job runner: YAML in git becomes recorded, isolated runs."""
