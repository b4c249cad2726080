"""What the demo works out by itself."""
