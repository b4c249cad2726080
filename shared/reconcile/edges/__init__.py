"""Edges: asked for, decided about, planned, made, kept, and taken away again."""
