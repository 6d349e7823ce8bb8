//! kinora-engine.
