"""What an account has before any stack: state, its key, GitHub's login, the boundary."""

import json
from typing import Any

from arca.bootstrap import boundary, statestore
from arca.bootstrap.pieces import Aspect, Piece
from arca.clients import Account, account_client, explained
from arca.errors import Refused

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
POLICY_VERSIONS = 5
"""IAM keeps no more of a managed policy (IAM User Guide, "IAM and AWS STS quotas")."""


def require_account(account: Account) -> None:
    """Refuse credentials of another account, before anything else is asked."""
    with explained(account, "The account cannot be read"):
        found = str(account_client(account, "sts").get_caller_identity()["Account"])
    if found != account.account_id:
        raise Refused(
            f"The credentials are of account {found}, not of {account.account_id}.",
            where=account.where,
            wanted=f"credentials of {account.account_id}",
            do="log in to that account, or name the one that you mean with --account",
        )


def pieces(account: Account) -> list[Piece]:
    """Everything, in the order in which it is needed: the bucket names the key."""
    return [
        statestore.key(account),
        statestore.bucket(account),
        _login(account),
        _boundary(account),
    ]


def _login(account: Account) -> Piece:
    """GitHub's identity provider; AWS knows its certificate authority, so no thumbprint."""
    iam = account_client(account, "iam")
    arn = f"arn:aws:iam::{account.account_id}:oidc-provider/{ISSUER}"

    def found() -> dict[str, Any]:
        try:
            return dict(iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn))
        except iam.exceptions.NoSuchEntityException:
            return {}

    return Piece(
        f"identity provider {ISSUER}",
        lambda: bool(found()),
        lambda: iam.create_open_id_connect_provider(
            Url=f"https://{ISSUER}", ClientIDList=[AUDIENCE]
        ),
        (
            Aspect(
                f"audience {AUDIENCE}",
                lambda: AUDIENCE in found()["ClientIDList"],
                lambda: iam.add_client_id_to_open_id_connect_provider(
                    OpenIDConnectProviderArn=arn, ClientID=AUDIENCE
                ),
            ),
        ),
    )


def _boundary(account: Account) -> Piece:
    iam = account_client(account, "iam")
    arn = f"arn:aws:iam::{account.account_id}:policy/{boundary.NAME}"
    wanted = boundary.document(account.account_id)

    def found() -> dict[str, Any]:
        try:
            return dict(iam.get_policy(PolicyArn=arn)["Policy"])
        except iam.exceptions.NoSuchEntityException:
            return {}

    def current() -> bool:
        version = found()["DefaultVersionId"]
        shown = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        return bool(shown["Document"] == wanted)

    def renew() -> None:
        versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
        old = [version for version in versions if not version["IsDefaultVersion"]]
        if len(versions) == POLICY_VERSIONS:
            oldest = min(old, key=lambda version: version["CreateDate"])
            iam.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])
        iam.create_policy_version(
            PolicyArn=arn, PolicyDocument=json.dumps(wanted), SetAsDefault=True
        )

    return Piece(
        f"boundary {boundary.NAME}",
        lambda: bool(found()),
        lambda: iam.create_policy(
            PolicyName=boundary.NAME,
            PolicyDocument=json.dumps(wanted),
            Description="The most that any role of ARCA API's platform can do.",
        ),
        (Aspect("document", current, renew),),
    )
