"""Who may do what: role definitions, role assignments, and the check that every request passes."""
