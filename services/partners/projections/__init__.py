"""What partners remembers of what it was told."""
