//! What went wrong, in the contract's codes and in words for people.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::path::Path;

use kinora_port::{Failure, Next, code};
use reqwest::Url;

/// A file that cannot be read.
pub(crate) fn of_file(path: &Path, error: &io::Error) -> Failure {
    let name = path.display();
    let (code, message) = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => (code::NOT_FOUND, format!("{name} does not exist")),
        ErrorKind::PermissionDenied => {
            (code::PERMISSION, format!("{name} may not be read: permission is missing"))
        }
        ErrorKind::IsADirectory => (code::IS_DIRECTORY, format!("{name} is a folder")),
        _ => (code::UNSPECIFIED, format!("{name} cannot be read: {error}")),
    };
    Failure::new(Next::TellUser, code, message)
}

/// A transfer that did not begin or did not end.
pub(crate) fn of_transfer(url: &Url, error: &(dyn Error + 'static)) -> Failure {
    let host = url.host_str().unwrap_or_default();
    let (mut connecting, mut decoding) = (false, true);
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<reqwest::Error>() {
            decoding = false;
            connecting |= error.is_connect();
            if error.is_timeout() {
                return timed_out(url);
            }
        }
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            let message = format!("{host} cannot be trusted: {}", tls_words(tls));
            return Failure::new(Next::TellUser, code::TLS, message);
        }
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            return malformed(host, "it is not HTTP");
        }
        let io = error.downcast_ref::<io::Error>();
        if let Some(failure) = io.and_then(|error| of_io(host, error, connecting)) {
            return failure;
        }
        // An `io::Error` passes over what it wraps when asked for its source.
        cause = match io.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    if connecting {
        return Failure::new(Next::Retry, code::UNREACHABLE, format!("{host} cannot be reached"));
    }
    // Nothing of the connection in it: it comes from a decoder.
    if decoding { malformed(host, "its compression is damaged") } else { cut(host) }
}

fn of_io(host: &str, error: &io::Error, connecting: bool) -> Option<Failure> {
    Some(match error.kind() {
        ErrorKind::ConnectionRefused => {
            let message = format!("{host} refused the connection: no server listens there");
            Failure::new(Next::TellUser, code::REFUSED, message)
        }
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::NetworkDown => {
            let message = format!("{host} cannot be reached: check the network connection");
            Failure::new(Next::Retry, code::UNREACHABLE, message)
        }
        ErrorKind::TimedOut => {
            Failure::new(Next::Retry, code::TIMED_OUT, format!("{host} did not answer in time"))
        }
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe if !connecting => {
            cut(host)
        }
        _ => return None,
    })
}

fn tls_words(error: &rustls::Error) -> String {
    use rustls::CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, UnknownIssuer,
    };
    match error {
        rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. }) => {
            "its certificate has expired, or the clock of this device is wrong".to_owned()
        }
        rustls::Error::InvalidCertificate(UnknownIssuer) => {
            "nobody this device knows vouches for its certificate; if it is a server of your own, add the certificate of its authority to \
             those of the system, or name its file in SSL_CERT_FILE"
                .to_owned()
        }
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            "its certificate is for another name".to_owned()
        }
        other => other.to_string(),
    }
}

/// Nothing came for too long.
pub(crate) fn timed_out(url: &Url) -> Failure {
    let host = url.host_str().unwrap_or("the file");
    Failure::new(Next::Retry, code::TIMED_OUT, format!("{host} did not answer in time"))
}

/// The connection ended before the answer did.
fn cut(host: &str) -> Failure {
    Failure::new(Next::Retry, code::CUT, format!("the connection to {host} was cut before the end"))
}

/// An answer that makes no sense.
pub(crate) fn malformed(host: &str, why: &str) -> Failure {
    Failure::new(Next::TellUser, code::MALFORMED, format!("the answer of {host} cannot be understood: {why}"))
}

/// A request that makes no sense.
pub(crate) fn invalid(message: String) -> Failure {
    Failure::new(Next::TellUser, code::INVALID, message)
}
