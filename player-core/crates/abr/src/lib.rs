//! kinora-abr.
