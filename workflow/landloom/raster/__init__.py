"""Rasters: everything that needs rasterio."""
