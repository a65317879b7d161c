"""The failures that a customer's answer names."""

from collections.abc import Mapping


class ApiError(Exception):
    """An answer that is not a success: a status, a code for programs, a sentence for people."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers, self.details = dict(headers or {}), dict(details or {})


class Unavailable(Exception):
    """Another system did not answer; `system` is database, cache or arca."""

    def __init__(self, system: str, cause: str) -> None:
        super().__init__(f"{system}: {cause}")
        self.system, self.cause = system, cause
