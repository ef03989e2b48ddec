"""What can be asked under /api/v1? Each route parses, calls one operation, and renders."""
