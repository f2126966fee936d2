"""The errors of haris. HTTP statuses and exit codes are chosen at the edge, in one table each."""


class HarisError(Exception):
    """Any error that haris raises on purpose."""


class ParameterError(HarisError, ValueError):
    """Our caller is wrong: an argument, a value, a bound, a line of a file."""


class ParameterWarning(UserWarning):
    """A parameter is valid, and yet means nothing, or not what it seems to."""


class PeerError(HarisError):
    """The other side broke the protocol. The text never echoes a secret."""


class ForgedMessage(PeerError):  # noqa: N818  (what it is)
    """A tag does not fit what it should cover: the message was changed on its way, or is not the peer's."""


class KeyUnavailable(HarisError):  # noqa: N818  (the field's word for it)
    """There is no key to give. retry_after_s: when asking again makes sense."""

    def __init__(self, text: str, retry_after_s: int = 1) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class KeyNotFound(KeyUnavailable):
    """The key that was named is not here: never was, or is spent, or voided."""


class OutOfContact(KeyUnavailable):
    """A site that is reached in contacts only is out of reach now, as was foretold."""


class Unheard(KeyUnavailable):
    """A site could not be reached, and has heard nothing of what it was to be asked."""


class NoRandomness(HarisError):  # noqa: N818  (what it is)
    """The configured source of random numbers gives none, and nothing stands in for it."""


class Unauthorised(HarisError):  # noqa: N818  (the status 401 by its name)
    """The caller may not have what it asks for."""


class StoreError(HarisError):
    """The durable store cannot be trusted or written: full, newer, torn, wrong key."""
