"""Rasters: everything that needs rasterio."""

from landloom.raster import drivers  # noqa: F401  first: GDAL asks for its limits once
