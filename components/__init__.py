"""The nouns of the platform, one a file: Spec, pure plan, ComponentResource."""
