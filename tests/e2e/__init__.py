"""The whole stack: the app on real processes that speak real protocols, seen from outside."""
