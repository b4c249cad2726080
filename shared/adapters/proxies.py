"""Whether the way to Azure leads through a proxy."""

from functools import cache
from urllib.request import getproxies


@cache
def through_a_proxy() -> bool:
    """Whether the environment names one: only then aiohttp is to look there, which it does for each request anew, and
    on threads, of which there are few.
    """
    return bool(getproxies())
