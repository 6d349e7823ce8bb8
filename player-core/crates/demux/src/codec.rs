//! What elementary streams say about themselves.

pub(crate) mod nal;
