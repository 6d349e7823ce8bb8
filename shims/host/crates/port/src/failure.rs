/// The contract's one failure (`wit/types.wit`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the caller should do.
    pub next: Next,
    /// Why, as one of [`code`].
    pub code: u32,
    /// One sentence a person can act on.
    pub message: String,
}

impl Failure {
    /// A failure of the given kind.
    pub fn new(next: Next, code: u32, message: impl Into<String>) -> Self {
        Failure { next, code, message: message.into() }
    }

    /// The id or ticket `id` of a `what` names nothing that lives.
    pub fn gone(what: &str, id: u64) -> Self {
        Failure::new(Next::Gone, code::UNSPECIFIED, format!("{what} {id} does not exist"))
    }

    /// This shim does not offer `what`.
    pub fn unsupported(what: &str) -> Self {
        Failure::new(Next::Unsupported, code::UNSPECIFIED, format!("{what} is not supported here"))
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// What the caller of something that failed should do (`wit/types.wit`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in the contract")]
pub enum Next {
    Retry,
    Wait,
    Rebuild,
    Skip,
    TellUser,
    Stop,
    Gone,
    Unsupported,
}

/// Codes of the contract (`wit/types.wit`).
#[expect(missing_docs, reason = "documented in the contract")]
pub mod code {
    pub const UNSPECIFIED: u32 = 0;
    pub const INVALID: u32 = 1;
    pub const TOO_MANY: u32 = 2;
    pub const OVER_BUDGET: u32 = 3;
    pub const DENIED: u32 = 4;
    pub const NOT_FOUND: u32 = 5;
    pub const UNREACHABLE: u32 = 6;
    pub const TIMED_OUT: u32 = 7;
    pub const TLS: u32 = 8;
    pub const MALFORMED: u32 = 9;
    pub const CODEC: u32 = 10;
    pub const DECODER: u32 = 11;
    pub const FULL: u32 = 12;
    pub const DEVICE_LOST: u32 = 13;
    pub const INTERRUPTED: u32 = 14;
    pub const PERMISSION: u32 = 15;
    pub const IS_DIRECTORY: u32 = 16;
    pub const REFUSED: u32 = 17;
    pub const NAME: u32 = 18;
    pub const CUT: u32 = 19;
}
