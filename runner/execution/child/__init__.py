"""What runs inside an instance's own process."""
