//! What a core may reach. Denied by default; opening something grants it and what belongs to it.
//!
//! - Opening an http(s) address, or a playlist file (whose purpose is to name other places), grants public addresses for the session.
//! - An opened host that turns out to be on this device or in the own network grants that host, and the other hosts of its kind of
//!   network as long as the session has met no public address. From then on content of the internet may be at work, and only the
//!   very hosts a person opened stay reachable.
//! - What kind of network an opened name belongs to is settled by its first look-up: a name that later points elsewhere
//!   (DNS rebinding) is refused.
//! - A redirect never leads from a public address to another kind, nor from the network to a file.

mod files;
mod scope;

use std::net::{IpAddr, SocketAddr};

use kinora_port::{Failure, Next, code};
use reqwest::Url;

pub(crate) use files::{Files, captions_beside, is_playlist};
pub(crate) use scope::Scope;

/// A host that a person opened.
#[derive(Debug)]
struct Opened {
    host: String,
    port: Option<u16>,
    /// Known from the first look-up on.
    scope: Option<Scope>,
}

/// The grants of a session.
#[derive(Debug, Default)]
pub(crate) struct Policy {
    pub(crate) files: Files,
    web: bool,
    public_met: bool,
    opened: Vec<Opened>,
}

fn denied(message: String) -> Failure {
    Failure::new(Next::TellUser, code::DENIED, message)
}

fn host_and_port(url: &Url) -> (String, Option<u16>) {
    (url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default())
}

/// The address in `url` when its host is one and no name.
pub(crate) fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

impl Policy {
    /// A person opened `url`.
    pub(crate) fn grant(&mut self, url: &Url) {
        match url.scheme() {
            "http" | "https" => {
                let (host, port) = host_and_port(url);
                self.web = true;
                if !self.opened.iter().any(|opened| opened.host == host && opened.port == port) {
                    self.opened.push(Opened { host, port, scope: literal(url).map(Scope::of) });
                }
            }
            "file" => {
                if let Ok(path) = url.to_file_path() {
                    self.web |= is_playlist(&path);
                    self.files.grant_opened(&path);
                }
            }
            _ => {}
        }
    }

    /// What can be refused before any traffic. Redirects and look-ups are checked when they are seen.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Failure> {
        match url.scheme() {
            "http" | "https" if !self.web => {
                Err(denied(format!("{url} was not opened, nor was anything on the network")))
            }
            "http" | "https" => match literal(url) {
                Some(address) if !self.admits(url, Scope::of(address), None) => {
                    Err(self.refusal(url, address))
                }
                _ => Ok(()),
            },
            "file" => match url.to_file_path() {
                Ok(path) if self.files.mentions(&path) => Ok(()),
                _ => Err(denied(format!("{url} was not opened and may not be read"))),
            },
            scheme => Err(denied(format!("addresses that begin with {scheme}: cannot be opened"))),
        }
    }

    /// What can be refused of a redirect to `url` before its look-up.
    pub(crate) fn check_redirect(&self, url: &Url) -> Result<(), Failure> {
        match url.scheme() {
            "http" | "https" => self.check(url),
            scheme => Err(denied(format!("a server may not redirect to {scheme}: addresses"))),
        }
    }

    /// The addresses of the look-up of `url` that may be connected to, all of one kind. `from`: the kind that redirected here.
    pub(crate) fn check_addresses(
        &mut self,
        url: &Url,
        from: Option<Scope>,
        addresses: &[SocketAddr],
    ) -> Result<(Vec<SocketAddr>, Scope), Failure> {
        let scopes = || addresses.iter().map(|address| Scope::of(address.ip()));
        // A name with a public address among others is one of the internet.
        let first =
            if scopes().any(|scope| scope == Scope::Public) { Some(Scope::Public) } else { scopes().next() };
        let (host, port) = host_and_port(url);
        if let Some(opened) = self.opened.iter_mut().find(|opened| opened.host == host && opened.port == port)
        {
            opened.scope = opened.scope.or(first);
        }
        let Some(scope) = scopes().find(|&scope| self.admits(url, scope, from)) else {
            return Err(match addresses.first() {
                Some(address) => self.refusal(url, address.ip()),
                None => Failure::new(Next::TellUser, code::NAME, format!("{host} has no address")),
            });
        };
        self.public_met |= scope == Scope::Public;
        Ok((addresses.iter().copied().filter(|address| Scope::of(address.ip()) == scope).collect(), scope))
    }

    fn admits(&self, url: &Url, scope: Scope, from: Option<Scope>) -> bool {
        let (host, port) = host_and_port(url);
        match scope {
            Scope::Public => true,
            Scope::Reserved => false,
            _ if from == Some(Scope::Public) => false,
            _ => self.opened.iter().filter(|opened| opened.scope == Some(scope)).any(|opened| {
                let itself = opened.host == host && opened.port == port;
                itself || !self.public_met
            }),
        }
    }

    fn refusal(&self, url: &Url, address: IpAddr) -> Failure {
        let host = url.host_str().unwrap_or_default();
        let place = Scope::of(address).words();
        denied(format!(
            "{host} is {place} ({address}), which this content may not reach; open its address directly"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str = "93.184.216.34:80";
    const PRIVATE: &str = "192.168.1.5:80";
    const LOOPBACK: &str = "127.0.0.1:80";

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn policy(opened: &[&str]) -> Policy {
        let mut policy = Policy::default();
        opened.iter().for_each(|text| policy.grant(&url(text)));
        policy
    }

    fn look_up(
        policy: &mut Policy,
        text: &str,
        from: Option<Scope>,
        addresses: &[&str],
    ) -> Result<usize, u32> {
        let addresses: Vec<SocketAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let kept = policy.check_addresses(&url(text), from, &addresses);
        kept.map(|(kept, _)| kept.len()).map_err(|failure| failure.code)
    }

    #[test]
    fn nothing_opened_denies_everything() {
        let policy = policy(&[]);
        for text in ["http://example.com/", "https://1.1.1.1/", "file:///etc/passwd", "ftp://h/", "data:,x"] {
            assert_eq!(policy.check(&url(text)).unwrap_err().code, code::DENIED, "{text}");
        }
    }

    #[test]
    fn public_address_opened_grants_the_internet_and_nothing_else() {
        let mut policy = policy(&["https://example.com/a.m3u8"]);
        assert!(policy.check(&url("http://cdn.example/1.ts")).is_ok());
        assert!(policy.check(&url("file:///etc/passwd")).is_err());
        for text in [
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://192.168.1.1/",
            "http://0x7f000001/",
            "http://169.254.169.254/",
        ] {
            assert!(policy.check(&url(text)).is_err(), "{text}");
        }
        assert_eq!(look_up(&mut policy, "http://example.com/", None, &[PUBLIC]), Ok(1));
        assert_eq!(look_up(&mut policy, "http://evil.example/", None, &[PRIVATE]), Err(code::DENIED));
        assert_eq!(look_up(&mut policy, "http://mixed.example/", None, &[LOOPBACK, PUBLIC]), Ok(1));
    }

    #[test]
    fn private_host_opened_grants_its_kind_of_network_until_the_internet_is_met() {
        let mut policy = policy(&["http://nas.local/list.m3u8"]);
        assert_eq!(look_up(&mut policy, "http://nas.local/list.m3u8", None, &[PRIVATE]), Ok(1));
        assert_eq!(look_up(&mut policy, "http://tuner.local/", None, &["192.168.1.9:80"]), Ok(1));
        assert_eq!(look_up(&mut policy, "http://localhost/", None, &[LOOPBACK]), Err(code::DENIED));
        assert_eq!(look_up(&mut policy, "http://radio.example/", None, &[PUBLIC]), Ok(1));
        assert_eq!(look_up(&mut policy, "http://tuner.local/", None, &["192.168.1.9:80"]), Err(code::DENIED));
        assert_eq!(look_up(&mut policy, "http://nas.local/1.ts", None, &[PRIVATE]), Ok(1));
        assert_eq!(look_up(&mut policy, "http://nas.local:631/", None, &[PRIVATE]), Err(code::DENIED));
    }

    #[test]
    fn opened_name_that_moves_to_another_kind_of_network_is_refused() {
        let mut policy = policy(&["http://rebind.example/"]);
        assert_eq!(look_up(&mut policy, "http://rebind.example/", None, &[PUBLIC]), Ok(1));
        assert_eq!(look_up(&mut policy, "http://rebind.example/", None, &[LOOPBACK]), Err(code::DENIED));
    }

    #[test]
    fn redirect_from_public_to_an_opened_private_host_is_refused() {
        let mut policy = policy(&["http://nas.local/"]);
        assert_eq!(
            look_up(&mut policy, "http://nas.local/", Some(Scope::Public), &[PRIVATE]),
            Err(code::DENIED)
        );
        assert_eq!(look_up(&mut policy, "http://nas.local/", Some(Scope::Private), &[PRIVATE]), Ok(1));
    }

    #[test]
    fn film_file_grants_no_network_and_playlist_file_the_public_one() {
        assert!(policy(&["file:///films/a.mkv"]).check(&url("http://example.com/")).is_err());
        let playlist = policy(&["file:///films/radio.m3u"]);
        assert!(playlist.check(&url("http://example.com/")).is_ok());
        assert!(playlist.check(&url("http://192.168.0.1/")).is_err());
    }

    #[test]
    fn file_escapes_are_decoded_once_and_dots_do_not_climb() {
        let policy = policy(&["file:///show/main.m3u8"]);
        assert!(policy.check(&url("file:///show/a%20b.ts")).is_ok());
        assert!(policy.check(&url("file:///show/%252e%252e/b.ts")).is_ok(), "a folder named %2e%2e");
        for text in [
            "file:///show/../x.ts",
            "file:///show/%2e%2e/x.ts",
            "file:///show/..%2Fx.ts",
            "file://host/show/a.ts",
        ] {
            assert!(policy.check(&url(text)).is_err(), "{text}");
        }
    }
}
