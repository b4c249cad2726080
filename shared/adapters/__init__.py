"""The outside world, one module per thing: each translates its errors once and imports its SDK on first use."""
