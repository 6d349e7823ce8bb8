//! kinora-tests.
