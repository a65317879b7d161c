"""The bootstrap of an account: one CloudFormation template, and what deploys it."""
