//! What can go wrong with an item, in words for the person who wanted to see it.

use crate::shim::{Failure, NextStep};

/// Why an item does not play (any more). The kind says what can be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What can be done.
    pub kind: ErrorKind,
    /// Why, as one sentence for the person.
    pub reason: String,
}

/// Families of errors by what the person can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The network or the server did not answer as it should; trying again may help.
    Network,
    /// The address names nothing.
    NotFound,
    /// The server or the device's policy refuses it.
    Denied,
    /// The content is no media, or damaged beyond use.
    Content,
    /// The content is fine, but this player or device cannot play it.
    Unsupported,
    /// The device failed while playing.
    Device,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Error { kind, reason: reason.into() }
    }

    /// A refusal by the server.
    pub(crate) fn http(status: u32) -> Self {
        match status {
            401 | 403 | 407 | 451 => {
                Error::new(ErrorKind::Denied, format!("The server refuses access (HTTP {status})."))
            }
            404 | 410 => Error::new(
                ErrorKind::NotFound,
                format!("The server has nothing at this address (HTTP {status})."),
            ),
            500..=599 => Error::new(ErrorKind::Network, format!("The server has a problem (HTTP {status}).")),
            _ => {
                Error::new(ErrorKind::Network, format!("The server gave an unusable answer (HTTP {status})."))
            }
        }
    }

    /// A fetch that failed or was not allowed to start.
    pub(crate) fn fetch(failure: &Failure) -> Self {
        let (kind, reason) = match failure.code {
            1 | 9 => return Error::new(ErrorKind::Content, sentence(&failure.message)),
            4 => (ErrorKind::Denied, "This device does not allow the address."),
            5 => (ErrorKind::NotFound, "There is no file with this name."),
            6 => (ErrorKind::Network, "There is no connection to the network."),
            7 => (ErrorKind::Network, "The server did not answer in time."),
            8 => (ErrorKind::Network, "No secure connection could be made to the server."),
            15 => (ErrorKind::Denied, "The file may not be read."),
            16 => (ErrorKind::Content, "This is a folder, not a file."),
            17 => (ErrorKind::Network, "The server refused the connection."),
            18 => (ErrorKind::Network, "The name of the server is not known."),
            19 => (ErrorKind::Network, "The connection was lost."),
            _ => return Error::new(ErrorKind::Network, sentence(&failure.message)),
        };
        Error::new(kind, reason)
    }

    /// A timeline that failed.
    pub(crate) fn timeline(failure: &Failure) -> Self {
        match failure.code {
            10 => Error::new(ErrorKind::Unsupported, sentence(&failure.message)),
            11 => Error::new(
                ErrorKind::Content,
                format!("It could not be decoded. {}", sentence(&failure.message)),
            ),
            _ => Error::new(ErrorKind::Device, sentence(&failure.message)),
        }
    }

    /// What the person can do, as one sentence.
    pub fn hint(&self) -> &'static str {
        match self.kind {
            ErrorKind::Network => "Check the connection, then try again.",
            ErrorKind::NotFound => "Check the address or the file name.",
            ErrorKind::Denied => "Sign in or ask for access where it comes from.",
            ErrorKind::Content => "Try another file, or get this one again.",
            ErrorKind::Unsupported => "Try another version of it.",
            ErrorKind::Device => "Try again.",
        }
    }

    /// Whether the same item may play when tried again unchanged.
    pub fn can_retry(&self) -> bool {
        matches!(self.kind, ErrorKind::Network | ErrorKind::NotFound | ErrorKind::Denied | ErrorKind::Device)
    }
}

impl From<kinora_demux::Error> for Error {
    fn from(error: kinora_demux::Error) -> Self {
        let kind = match error {
            kinora_demux::Error::Unsupported(_) => ErrorKind::Unsupported,
            _ => ErrorKind::Content,
        };
        Error::new(kind, sentence(&error.to_string()))
    }
}

/// Whether a failed fetch is worth another try: the network's hiccups are, the verdicts of policy and of TLS are not.
pub(crate) fn is_transient(failure: &Failure) -> bool {
    matches!(failure.next, NextStep::Retry | NextStep::Wait)
        || matches!(failure.code, 6 | 7 | 14 | 17 | 18 | 19)
}

/// Whether a server's answer is worth another try (RFC 9110 15.5.9, 15.6; RFC 6585 section 4).
pub(crate) fn is_transient_status(status: u32) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

/// `text` with a capital first letter and a full stop, as the cards show sentences.
fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return "No reason was given.".to_owned() };
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{}{stop}", first.to_uppercase(), chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demux_error_becomes_a_sentence() {
        let error = Error::from(kinora_demux::Error::Damaged("moov".to_owned()));
        assert_eq!(error.reason, "The file is damaged (moov).");
        assert!(!error.can_retry());
    }

    #[test]
    fn http_503_can_be_retried() {
        assert!(is_transient_status(503));
        assert!(Error::http(503).can_retry());
    }
}
