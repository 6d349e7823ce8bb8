//! kinora-host.
