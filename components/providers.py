"""The providers, declared once and named by every resource."""

import pulumi
import pulumi_aws as aws
import pulumi_cloudflare as cloudflare
import pulumi_random as random
import pulumi_tls as tls


def providers(
    *, region: str, account_id: str, tags: dict[str, str]
) -> tuple[pulumi.ProviderResource, ...]:
    """Declare them; AWS's refuses credentials of any other account."""
    return (
        aws.Provider(
            "aws",
            region=region,
            allowed_account_ids=[account_id],
            default_tags={"tags": tags},
        ),
        cloudflare.Provider("cloudflare"),
        random.Provider("random"),
        tls.Provider("tls"),
    )
