"""GitHub's REST API, as far as the pipeline asks it: one GET, with every failure explained.

The jobs that ask have no package but click, so this uses the standard library. An answer that
cannot be had is an error and never a pass. Source: GitHub Docs, "Troubleshooting the REST API".
"""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit

from arca.errors import ArcaError

API_VERSION = "2022-11-28"
"""The version of the answers' shapes (GitHub Docs, "API Versions")."""
DEFAULT_URL = "https://api.github.com"
TIMEOUT_SECONDS = 30
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class GitHubUnavailable(ArcaError):
    """GitHub gave no usable answer: it is unreachable, busy or limits the rate.

    Asking again later may help.
    """


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follow no redirect: urllib would send the token to whatever host it names."""

    def redirect_request(  # noqa: PLR0917 - the base class' own
        self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any
    ) -> None:
        """Leave the status as it is, an error."""
        del req, fp, code, msg, headers, newurl


_OPENER = urllib.request.build_opener(_NoRedirect)


class GitHub:
    """The API of one repository; `url` is its root, without a slash at its end."""

    def __init__(self, repository: str, token: str, url: str = DEFAULT_URL) -> None:
        if repository.count("/") != 1:
            raise ArcaError(
                f"{repository!r} is no repository.",
                where="--repository",
                wanted="OWNER/NAME",
                do='pass "$GITHUB_REPOSITORY", as the workflows do',
            )
        if not token:
            raise ArcaError(
                "There is no token for GitHub's API.",
                where="the environment variable GH_TOKEN",
                wanted="a token that may read the repository's contents and its Actions",
                do="set it: GH_TOKEN=$(gh auth token); a workflow's step has ${{ github.token }}",
            )
        parts = urlsplit(url)
        # A token must not travel in plain text.
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ArcaError(
                f"{url!r} is no https address.",
                where="the environment variable GITHUB_API_URL",
                wanted=f"an address such as {DEFAULT_URL}",
                do="unset it; GitHub's runners set it themselves",
            )
        self.repository, self._token, self._url = repository, token, url

    def get(self, *path: str, **query: str) -> Mapping[str, Any]:
        """Return the JSON object at a path below the repository; each part is quoted.

        Raises GitHubUnavailable where asking again may help, and ArcaError where it does not: the
        token may not read this, it does not exist, or the answer is no JSON object.
        """
        place = "/".join(quote(part, safe="") for part in path)
        url = f"{self._url}/repos/{self.repository}/{place}"
        request = urllib.request.Request(  # noqa: S310 - https, or loopback in a test
            f"{url}?{urlencode(query)}" if query else url,
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self._token}",
                "User-Agent": "arca-ci",
                "X-GitHub-Api-Version": API_VERSION,
            },
        )
        try:
            with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
                content = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise _refused(url, error) from None
        except (OSError, HTTPException) as error:
            raise GitHubUnavailable(
                f"GitHub's API did not answer: {getattr(error, 'reason', None) or error}",
                where=f"GET {url}",
                wanted=f"an answer within {TIMEOUT_SECONDS} seconds",
                do="look at https://www.githubstatus.com and run the job again",
            ) from None
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise ArcaError(
                "GitHub's answer is no JSON object.",
                where=f"GET {url}",
                wanted="what GitHub's REST API documents",
                do="look at GITHUB_API_URL and at proxies between here and GitHub",
            )
        return cast("Mapping[str, Any]", content)


def _refused(url: str, error: urllib.error.HTTPError) -> ArcaError:
    """Explain a status of 300 or above.

    A rate limit is 429, or 403 with `retry-after` or without calls left (GitHub Docs, "Rate limits
    for the REST API").
    """
    said = _message(error)
    limited = error.code == HTTPStatus.TOO_MANY_REQUESTS or (
        error.code == HTTPStatus.FORBIDDEN
        and (error.headers.get("retry-after") or error.headers.get("x-ratelimit-remaining") == "0")
    )
    if limited:
        return GitHubUnavailable(
            f"GitHub limits the rate of this token ({error.code}): {said}",
            where=f"GET {url}",
            wanted="calls that are left",
            do="wait an hour at most, and run the job again",
        )
    if error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return GitHubUnavailable(
            f"GitHub's API failed ({error.code}): {said}",
            where=f"GET {url}",
            wanted="an answer",
            do="look at https://www.githubstatus.com and run the job again",
        )
    return ArcaError(
        f"GitHub refused the call ({error.code}): {said}",
        where=f"GET {url}",
        wanted="something that exists, and a token that may read it: `actions: read` and "
        "`contents: read`; GitHub answers 404 also where a token may not read it",
        do="compare the name with the repository's settings, and the job's permissions with "
        "docs/pipeline.md",
    )


def _message(error: urllib.error.HTTPError) -> str:
    try:
        content = json.loads(error.read(64 * 1024))
    except (OSError, HTTPException, ValueError):
        return error.reason or "no reason given"
    said = cast("dict[str, Any]", content).get("message") if isinstance(content, dict) else None
    return str(said or error.reason or "no reason given")
