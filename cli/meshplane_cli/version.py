"""The client's version: that of the API it was written for."""

VERSION = "0.3.0"
