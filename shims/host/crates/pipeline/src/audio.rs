//! Sound on its way from a decoder to the device: processing on the decode thread, a ring without locks, mixing on the device's
//! thread.

pub(crate) mod mixer;
pub(crate) mod output;
pub(crate) mod process;
pub(crate) mod sink;
pub(crate) mod voice;
