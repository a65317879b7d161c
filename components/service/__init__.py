"""The ECS service: settings, tasks, roles, scaling and deployments."""

from components.service.environment import Environment, threshold_variables
from components.service.roles import Permissions
from components.service.service import Service
from components.service.spec import ServiceSpec

__all__ = ["Environment", "Permissions", "Service", "ServiceSpec", "threshold_variables"]
