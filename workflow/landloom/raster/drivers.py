"""What GDAL may open: few formats, and nothing that a file names inside itself.

GDAL knows more than a hundred formats. Some reach a network, read other files that they name, or run
programs, and they are recognised by content, whatever a file is called. So a file is opened with the drivers
of ``RASTERS`` alone, and those of ``NEVER`` are not even there for what GDAL opens on its own. Import this
before rasterio and pyogrio are used; both load their own GDAL, which reads the environment once.
"""

import os

RASTERS = {
    "GTiff": "GeoTIFF", "PNG": "PNG", "JPEG": "JPEG", "JP2OpenJPEG": "JPEG 2000", "HFA": "ERDAS IMAGINE",
    "BMP": "BMP", "GIF": "GIF", "BIGGIF": "GIF", "WEBP": "WebP", "ENVI": "ENVI",
}  # fmt: skip
"""Drivers that read images and masks, and how people call their formats."""
ENCODED = ("PNG", "GTiff")
"""Drivers that read rasters inside of shards."""
VECTORS = {
    "GPKG": "GeoPackage", "FlatGeobuf": "FlatGeobuf", "GeoJSON": "GeoJSON", "ESRI Shapefile": "Shapefile",
    "OSM": "OpenStreetMap (.osm.pbf)",
}  # fmt: skip
"""Drivers that read shapes."""
NEVER = (
    # These reach a network.
    "ADBC", "AmigoCloud", "Carto", "CSW", "DAAS", "EEDA", "EEDAI", "Elasticsearch", "HTTP", "NGW", "OAPIF",
    "OGCAPI", "PLMOSAIC", "PLSCENES", "WCS", "WFS", "WMS", "WMTS",
    # Files of these name others, or a program.
    "DERIVED", "DIMAP", "ESRIC", "GDALG", "GNMDatabase", "GNMFile", "GPSBabel", "GTI", "ISIS3",
    "KMLSUPEROVERLAY", "LIBKML", "MRF", "OGR_VRT", "PDS4", "STACIT", "STACTA", "VRT", "Zarr",
)  # fmt: skip
"""Drivers that are not there at all; those of databases are asked for by name alone, never by a file."""
LIMITS = {
    "GDAL_SKIP": ",".join(NEVER),
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "none",  # of all addresses, on the web and in clouds
    "CPL_ALLOW_VSISTDIN": "NO",
}

for _name, _value in LIMITS.items():
    os.environ.setdefault(_name, _value)


def formats(known: dict[str, str]) -> str:
    """Names of formats, for messages."""
    return ", ".join(dict.fromkeys(known.values()))
