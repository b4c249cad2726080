"""An app that cannot be imported."""

import importlib

importlib.import_module("package_that_is_not_installed")
