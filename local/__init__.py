"""Azure on one machine: real protocols, no subscription, never deployed; knows nothing of the product."""
