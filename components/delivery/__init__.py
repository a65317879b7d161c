"""The pipeline's identities: GitHub Actions' roles in a stack's account."""

from components.delivery.delivery import Delivery
from components.delivery.permissions import Released
from components.delivery.spec import DeliverySpec

__all__ = ["Delivery", "DeliverySpec", "Released"]
