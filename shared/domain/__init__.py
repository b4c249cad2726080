"""What is true without any input or output."""
