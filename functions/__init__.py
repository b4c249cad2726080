"""One module a trigger: decode, call one entry point, encode. No decisions."""
