"""The one exception that is the user's to mend."""


class UserError(Exception):
    """A mistake that the message alone explains: what failed, the value got, what is allowed, where it is set.

    Whoever catches it at the top prints the message without a traceback and ends with a non-zero status.
    """
