//! kinora-store.
