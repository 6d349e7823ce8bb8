//! kinora-raster-gpu.
