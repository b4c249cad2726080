"""What is wrong with a regular expression of a rule, which is searched in texts that anybody may have written."""

import re
import warnings

# What an expression is made of: escapes, sets, the openings of groups, their ends, and how often something comes.
_PARTS = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(?P<open>\((?:\?(?:P<\w+>|[^P()]*?[:=!>]))?)|(?P<close>\))"
    r"|(?P<often>[*+]|\{\d*,\})(?P<possessive>\+?)|.",
    re.DOTALL,
)


def expression_fault(text: str) -> str:
    """Why it cannot be used; empty where it can."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(text, re.IGNORECASE)
    except (re.PatternError, OverflowError, RecursionError, Warning) as error:
        return f"is no regular expression: {error}"
    if _repeats_what_repeats(text):
        return (
            "repeats without end what repeats without end, which some texts keep busy for ever: "
            "make one possessive (++)"
        )
    return ""


def _repeats_what_repeats(text: str) -> bool:
    """Whether a group that holds an endless repetition is itself repeated endlessly, such as `(a+)+`.

    What is possessive, or stands in an atomic group, is not tried again.
    """
    groups = [("", False)]  # that are open: how each began, and whether it holds an endless repetition
    ended = False  # whether what stands just before is a group that holds one
    for part in _PARTS.finditer(text):
        before, ended = ended, False
        opening, endless = groups[-1]
        if part["open"]:
            groups.append((part["open"], False))
        elif part["close"]:
            groups.pop()
            ended = endless and opening != "(?>"
            groups[-1] = (groups[-1][0], groups[-1][1] or ended)
        elif part["often"] and not part["possessive"]:
            if before:
                return True
            groups[-1] = (opening, True)
    return False
