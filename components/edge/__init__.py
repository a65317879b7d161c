"""The edge: Cloudflare's DNS, TLS, cache, WAF and rate limits in front of the load balancers."""

from components.edge.region import EdgeRegion
from components.edge.spec import EdgeSpec
from components.edge.zone import EdgeZone

__all__ = ["EdgeRegion", "EdgeSpec", "EdgeZone"]
