"""Programs that stand beside Meshplane and use it: copy what you need."""
