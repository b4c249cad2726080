"""Governance as code: policies out of YAML files. What they mean is told in `shared.domain.governance`."""
