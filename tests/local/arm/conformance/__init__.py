"""Replays every visible recording of the real Resource Manager against the local one."""
