"""GitHub's API, asked over loopback: what it answers, and each way in which it does not."""

import pytest

from arca.ci.github import GitHub, GitHubUnavailable
from arca.errors import ArcaError
from tests.arca.ci.github_api import REPOSITORY, TOKEN, Answer, environment, path, serve


def test_an_answer_is_the_object_that_github_sends() -> None:
    """The call has the token, and quotes a name that would be another path."""
    asked = path("environments", "a%2Fb%3Fc")
    with serve({asked: [Answer(environment("x"))]}) as api:
        found = GitHub(REPOSITORY, TOKEN, api.url).get("environments", "a/b?c", per_page="1")
        assert found["name"] == "x"
        assert api.asked == [f"{asked}?per_page=1"]
        assert api.tokens == {f"Bearer {TOKEN}"}


FAILURES = {
    "no permission": (Answer({"message": "Resource not accessible by integration"}, 403), False),
    "bad token": (Answer({"message": "Bad credentials"}, 401), False),
    "absent": (Answer({"message": "Not Found"}, 404), False),
    "primary limit": (Answer({"message": "m"}, 403, {"x-ratelimit-remaining": "0"}), True),
    "secondary limit": (Answer({"message": "m"}, 403, {"retry-after": "60"}), True),
    "too many": (Answer({"message": "m"}, 429), True),
    "broken": (Answer("<html>", 502), True),
    "a list": (Answer([]), False),
    "a page": (Answer("<html>"), False),
    "no message": (Answer('"text"', 403), False),
}


@pytest.mark.parametrize("name", FAILURES)
def test_every_failure_is_one_error(name: str) -> None:
    """It has the call, and says what to do; only some of them may pass by themselves."""
    answer, passes = FAILURES[name]
    with serve({path("x"): [answer]}) as api:
        with pytest.raises(ArcaError) as raised:
            GitHub(REPOSITORY, TOKEN, api.url).get("x")
        assert isinstance(raised.value, GitHubUnavailable) == passes
        assert raised.value.where == f"GET {api.url}{path('x')}"
        assert raised.value.exit_code == 1
        assert TOKEN not in str(raised.value)
        if name == "no permission":
            assert "(403): Resource not accessible" in raised.value.what
            assert "actions: read" in raised.value.wanted


def test_an_api_that_is_not_there_is_an_error() -> None:
    """The port is closed."""
    with serve({}) as api:
        url = api.url
    with pytest.raises(GitHubUnavailable, match=r"did not answer: .*refused"):
        GitHub(REPOSITORY, TOKEN, url).get("x")


def test_a_redirect_is_not_followed() -> None:
    """The token would go to whatever host it names."""
    with serve({"/x": [Answer({})]}) as other:
        moved = Answer({"message": "Moved"}, 301, {"Location": f"{other.url}/x"})
        with serve({path("x"): [moved]}) as api, pytest.raises(ArcaError, match=r"\(301\): Moved"):
            GitHub(REPOSITORY, TOKEN, api.url).get("x")
        assert other.asked == []


@pytest.mark.parametrize(
    ("repository", "token", "url", "where"),
    [
        ("arca-infra", TOKEN, "https://api.github.com", "--repository"),
        (REPOSITORY, "", "https://api.github.com", "the environment variable GH_TOKEN"),
        (REPOSITORY, TOKEN, "http://api.github.com", "the environment variable GITHUB_API_URL"),
        (REPOSITORY, TOKEN, "file:///etc/passwd", "the environment variable GITHUB_API_URL"),
    ],
)
def test_what_cannot_be_asked_is_refused_before(
    repository: str, token: str, url: str, where: str
) -> None:
    """No call is made with half of what it needs, or in plain text."""
    with pytest.raises(ArcaError) as raised:
        GitHub(repository, token, url)
    assert raised.value.where == where
