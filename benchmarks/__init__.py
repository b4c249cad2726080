"""What the mesh costs, each measured beside what it is compared with: `python -m benchmarks [NAME ...]`."""
