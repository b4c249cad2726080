"""The client's version: that of the app it was written for."""

VERSION = "0.3.0"
