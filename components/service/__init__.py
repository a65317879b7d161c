"""The service: settings, tasks, roles, scaling and how a new revision comes live."""

from components.service.environment import Environment
from components.service.roles import Permissions
from components.service.service import Service, Traffic
from components.service.spec import ServiceSpec

__all__ = ["Environment", "Permissions", "Service", "ServiceSpec", "Traffic"]
