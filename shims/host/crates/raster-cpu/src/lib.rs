//! kinora-raster-cpu.
