"""How the process of a stage lives: command line, launch, lock, devices, signals, progress."""
