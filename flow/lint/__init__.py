"""Looks over workflow files for what is valid, and still better otherwise."""
