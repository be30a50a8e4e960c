"""Calling what others have written: whatever it raises is an outcome, and none may be lost.

A venue's client raises what it likes, so nothing that is caught here can be named. What was raised
is kept and told by whoever called: it says what is known of the request.
"""

from exchange.words import Outcome


class Refused(Exception):  # noqa: N818 - it is an answer, not an error
    """The venue has refused: definite, nothing came of the request.

    Of a modify, `rests` says whether the old order still does; None: the venue did not say.
    """

    def __init__(self, reason: str, *, rests: bool | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.rests = rests


class NotSent(Exception):  # noqa: N818 - the same
    """The request has not left this process: definite as well."""


def outcome_of(error: BaseException) -> Outcome:
    """Return what is known of a request whose call has raised; never more than that."""
    if isinstance(error, NotSent):
        return Outcome.NOT_SENT
    if isinstance(error, TimeoutError):
        return Outcome.TIMEOUT
    return Outcome.BROKEN if isinstance(error, OSError) else Outcome.SERVER_ERROR
