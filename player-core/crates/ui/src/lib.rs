//! kinora-ui.
