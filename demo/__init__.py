"""Meshplane shown on the local Azure: drives the app from outside, as people and Azure do."""
