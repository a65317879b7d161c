"""A double of the tax agency's web services: WSAA and WSFEv1, with faults on request."""
