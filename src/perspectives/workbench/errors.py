"""The one exception that is the user's to mend, and values shown in its message."""

import reprlib


class UserError(Exception):
    """A mistake that the message alone explains: what failed, the value got, what is allowed, where it is set.

    Whoever catches it at the top prints the message without a traceback and ends with a non-zero status.
    """


_SHORT = reprlib.Repr()
_SHORT.maxlevel = 1


def shown(value: object) -> str:
    """Return a value in few letters, whatever a configuration holds: a nested one can have more than memory has."""
    try:
        return _SHORT.repr(value)
    except ValueError:  # an integer of more digits than Python writes
        return f"a very long {type(value).__name__}"
