"""The client's version: that of the app it was written for (a test compares the two)."""

VERSION = "0.4.0"
