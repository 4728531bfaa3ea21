"""Lists of objects: formats, what may be wrong in them, and which objects a tile takes along."""
