"""An app that cannot be imported."""

import package_that_is_not_installed  # noqa: F401
