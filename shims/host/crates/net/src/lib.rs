//! kinora-net.
