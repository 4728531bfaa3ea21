"""What people run by hand: ``landloom verify``, ``landloom trace``, ``landloom resume``."""
