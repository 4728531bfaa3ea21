"""What people run by hand: ``landloom estimate``, ``verify``, ``trace`` and ``resume``."""
