//! kinora-testkit.
