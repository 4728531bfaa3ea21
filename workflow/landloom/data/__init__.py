"""What passes between stages: samples, their columns, statistics, and how they are read."""
