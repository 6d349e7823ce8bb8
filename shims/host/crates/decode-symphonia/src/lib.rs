//! kinora-decode-symphonia.
