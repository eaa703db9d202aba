"""Everything that can go wrong, as values the edge can translate.

    AppError
    ├── Invalid           the request is wrong; `field` names the part
    ├── Unauthenticated   nobody is signed in
    ├── Forbidden         signed in, may see it, may not do it
    ├── NotFound          does not exist, or may not be seen
    ├── Gone              existed, and is past its retention
    ├── Conflict          true state differs from what the caller assumed
    ├── TooLarge          over a size limit
    ├── Unsupported       a type that cannot be handled
    ├── LimitReached      too many of something; try again after `retry_after_s`
    ├── Unavailable       this server cannot do it just now
    └── ProviderFailed    the model failed; ends a run, never a request

Each carries a `code` of the wire contract and a sentence a user can read. No HTTP status lives
here: `handlers/middleware.py` maps classes to statuses once.
"""

from collections.abc import Mapping


class AppError(Exception):
    """Base of all expected failures; `message` is shown to the user as it is."""

    code = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        field: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Take the sentence for the user; a finer code, the field at fault, what else to know."""
        super().__init__(message)
        self.details = details or {}
        self.message = message
        self.code = code or type(self).code
        self.field = field


class Invalid(AppError):
    """The request is malformed or out of range."""

    code = "INVALID_REQUEST"


class Unauthenticated(AppError):
    """No valid credentials were sent."""

    code = "UNAUTHENTICATED"


class Forbidden(AppError):
    """The caller may see the thing but not do this to it."""

    code = "PERMISSION_DENIED"


class NotFound(AppError):
    """The thing does not exist for this caller."""

    code = "NOT_FOUND"


class Gone(AppError):
    """The thing was kept for a while and has been removed since."""

    code = "RUN_EXPIRED"


class Conflict(AppError):
    """The stored state does not allow this now."""

    code = "VERSION_CONFLICT"


class TooLarge(AppError):
    """A body or a file is over its limit."""

    code = "PAYLOAD_TOO_LARGE"


class Unsupported(AppError):
    """A media type that is not handled."""

    code = "UNSUPPORTED_MEDIA_TYPE"


class LimitReached(AppError):
    """Too many of something are open; the caller may come back."""

    code = "TOO_MANY_STREAMS"

    def __init__(self, message: str, *, retry_after_s: int, code: str | None = None) -> None:
        """Take the sentence and the number of whole seconds to wait."""
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s


class Unavailable(AppError):
    """The server is shutting down, or its storage does not accept writes."""

    code = "SERVICE_UNAVAILABLE"

    def __init__(self, message: str, *, retry_after_s: int = 5) -> None:
        """Take the sentence and the number of whole seconds to wait."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ProviderFailed(AppError):
    """A model could not be reached, refused, stalled, or broke off.

    `code` is one of `LLM_ERROR`, `LLM_TIMEOUT`, `RATE_LIMITED`, `SERVICE_UNAVAILABLE`. `message` is
    written by us: never the provider's or an exception's text.
    """

    code = "LLM_ERROR"

    def __init__(
        self,
        message: str,
        *,
        code: str = "LLM_ERROR",
        retryable: bool = True,
        retry_after_s: int | None = None,
    ) -> None:
        """Take the sentence, the code, and whether trying again can help, and when."""
        super().__init__(message, code=code)
        self.retryable = retryable
        self.retry_after_s = retry_after_s
