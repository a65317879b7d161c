"""Errors as ECS answers them (Amazon ECS API Reference, "Common Errors")."""


class ApiError(Exception):
    """An error with ECS's own code; HTTP status 400."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def invalid(message: str) -> ApiError:
    """What was asked for makes no sense."""
    return ApiError("InvalidParameterException", message)
