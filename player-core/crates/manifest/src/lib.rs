//! kinora-manifest.
