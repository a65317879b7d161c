"""ECS's deployments, simulated: moto stores a service, this is what moves it."""
