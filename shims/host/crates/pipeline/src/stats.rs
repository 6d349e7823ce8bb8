use crate::events::Kind;

/// What a stream did, for `doctor`, overlays and tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamStats {
    /// The stream.
    pub id: u64,
    /// What it carries.
    pub kind: Kind,
    /// Its codec string.
    pub codec: String,
    /// What decodes it; empty before the first sample.
    pub decoder: String,
    /// Pictures or blocks of sound decoded.
    pub decoded: u64,
    /// Pictures shown.
    pub presented: u64,
    /// Pictures not shown because a later one was due or they came late.
    pub dropped: u64,
    /// Of these, the ones that were late when decoded.
    pub late: u64,
    /// Times the sound ran dry.
    pub underruns: u64,
    /// Audio frames decoded and kept.
    pub samples: u64,
    /// Samples that could not be decoded.
    pub damaged: u64,
    /// Times the decoder was lost and replaced.
    pub rebuilt: u64,
}

impl StreamStats {
    pub(crate) fn new(id: u64, kind: Kind, codec: &str) -> Self {
        StreamStats {
            id,
            kind,
            codec: codec.to_owned(),
            decoder: String::new(),
            decoded: 0,
            presented: 0,
            dropped: 0,
            late: 0,
            underruns: 0,
            samples: 0,
            damaged: 0,
            rebuilt: 0,
        }
    }
}
