"""The roles of GitHub Actions in a stack's account."""

from components.delivery.delivery import Delivery
from components.delivery.spec import DeliverySpec

__all__ = ["Delivery", "DeliverySpec"]
