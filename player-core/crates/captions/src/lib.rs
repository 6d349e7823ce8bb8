//! kinora-captions.
