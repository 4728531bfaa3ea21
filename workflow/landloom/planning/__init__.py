"""From a goal to requests: goals, tables, the prior of what is left open, and what data can support."""
