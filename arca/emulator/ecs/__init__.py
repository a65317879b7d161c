"""The ECS controller: simulates deployments and tasks of the services that moto stores."""
