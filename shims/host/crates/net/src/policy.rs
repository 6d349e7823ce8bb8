//! What a core may reach. Denied by default; opening something grants it and what belongs to it.
//!
//! - Opening an http(s) address, or a playlist file (whose purpose is to name other places), grants public addresses for the session.
//! - An opened host that turns out to be on this device or in the own network grants that host, and the other hosts of its kind of
//!   network as long as the session has met no public address. From then on content of the internet may be at work, and only the
//!   very hosts a person opened stay reachable.
//! - What kind of network an opened name belongs to is settled by its first look-up: a name that later points elsewhere
//!   (DNS rebinding) is refused.
//! - A redirect never leads from a public address to another kind, nor from the network to a file.
//! - The owner of a device can name hosts beside those a person opens, forbid the network, or replace all of this by a list
//!   ([`Rules`]).

mod files;
mod rules;
mod scope;

use std::net::{IpAddr, SocketAddr};

use kinora_port::{Failure, Next, code};
use reqwest::Url;

pub(crate) use files::{Files, captions_beside, is_playlist};
use rules::Host;
pub use rules::Rules;
pub(crate) use scope::Scope;

/// A host that a person opened or the owner named.
#[derive(Debug)]
struct Opened {
    host: Host,
    /// Known from the first look-up on.
    scope: Option<Scope>,
    /// Opened by a person: the others of its kind of network may go with it.
    with_neighbours: bool,
}

impl Opened {
    fn new(host: Host, with_neighbours: bool) -> Self {
        Opened { scope: address_of(&host.name).map(Scope::of), host, with_neighbours }
    }
}

/// The grants of a session.
#[derive(Debug, Default)]
pub(crate) struct Policy {
    pub(crate) files: Files,
    rules: Rules,
    web: bool,
    public_met: bool,
    opened: Vec<Opened>,
}

fn denied(message: String) -> Failure {
    Failure::new(Next::TellUser, code::DENIED, message)
}

/// The address in `url` when its host is one and no name.
pub(crate) fn literal(url: &Url) -> Option<IpAddr> {
    address_of(url.host_str()?)
}

fn address_of(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

impl Policy {
    /// Takes the owner's rules, before anything is opened.
    pub(crate) fn restrict(&mut self, rules: Rules) {
        self.opened.extend(rules.hosts().map(|host| Opened::new(host.clone(), false)));
        rules.folders().for_each(|folder| self.files.grant_folder(folder.clone()));
        self.rules = rules;
    }

    /// A person opened `url`.
    pub(crate) fn grant(&mut self, url: &Url) {
        if !self.rules.permit(url) {
            return;
        }
        match url.scheme() {
            "http" | "https" => {
                self.web = true;
                if !self.opened.iter().any(|opened| opened.with_neighbours && opened.host.is(url)) {
                    self.opened.push(Opened::new(Host::of(url), true));
                }
            }
            "file" => {
                if let Ok(path) = url.to_file_path() {
                    self.web |= is_playlist(&path);
                    // A listed folder is granted already, and a symlink in it must not lead out of it.
                    if !self.rules.are_closed() {
                        self.files.grant_opened(&path);
                    }
                }
            }
            _ => {}
        }
    }

    /// What can be refused before any traffic. Redirects and look-ups are checked when they are seen.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Failure> {
        match url.scheme() {
            "http" | "https" if !self.rules.permit(url) => {
                Err(denied(format!("{url} is not allowed on this device")))
            }
            "http" | "https" if !self.web && !self.rules.names(url) => {
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
        for opened in self.opened.iter_mut().filter(|opened| opened.host.is(url)) {
            opened.scope = opened.scope.or(first);
        }
        let Some(scope) = scopes().find(|&scope| self.admits(url, scope, from)) else {
            return Err(match addresses.first() {
                Some(address) => self.refusal(url, address.ip()),
                None => {
                    let host = url.host_str().unwrap_or_default();
                    Failure::new(Next::TellUser, code::NAME, format!("{host} has no address"))
                }
            });
        };
        self.public_met |= scope == Scope::Public;
        Ok((addresses.iter().copied().filter(|address| Scope::of(address.ip()) == scope).collect(), scope))
    }

    fn admits(&self, url: &Url, scope: Scope, from: Option<Scope>) -> bool {
        match scope {
            Scope::Public => true,
            Scope::Reserved => false,
            _ if from == Some(Scope::Public) => false,
            _ => self
                .opened
                .iter()
                .filter(|opened| opened.scope == Some(scope))
                .any(|opened| opened.host.is(url) || opened.with_neighbours && !self.public_met),
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

    fn ruled(text: &str) -> Policy {
        let mut rules = Rules::default();
        rules.take_list(text).unwrap();
        let mut policy = Policy::default();
        policy.restrict(rules);
        policy
    }

    #[test]
    fn allowed_host_is_reached_unopened_and_brings_no_neighbours() {
        let mut rules = Rules::default();
        rules.allow("NAS.local").unwrap();
        let mut policy = Policy::default();
        policy.restrict(rules);
        assert!(policy.check(&url("http://nas.local:8080/")).is_ok());
        assert!(policy.check(&url("http://example.com/")).is_err());
        assert_eq!(look_up(&mut policy, "http://nas.local/", None, &[PRIVATE]), Ok(1));
        assert_eq!(look_up(&mut policy, "http://tuner.local/", None, &["192.168.1.9:80"]), Err(code::DENIED));
        assert_eq!(
            look_up(&mut policy, "http://nas.local/", None, &[LOOPBACK]),
            Err(code::DENIED),
            "rebound"
        );
        let redirected = look_up(&mut policy, "http://nas.local/", Some(Scope::Public), &[PRIVATE]);
        assert_eq!(redirected, Err(code::DENIED));
    }

    #[test]
    fn denied_network_stays_so_whatever_is_opened() {
        let mut rules = Rules::default();
        rules.allow("example.com").unwrap();
        rules.deny_net();
        let mut policy = Policy::default();
        policy.restrict(rules);
        policy.grant(&url("http://example.com/"));
        policy.grant(&url("file:///films/radio.m3u"));
        assert!(policy.check(&url("http://example.com/")).is_err());
        assert!(policy.check_redirect(&url("https://example.com/")).is_err());
        assert!(policy.check(&url("file:///films/radio.m3u")).is_ok());
    }

    #[test]
    fn list_of_a_managed_device_replaces_what_is_opened() {
        let mut policy =
            ruled("# ours\nhost example.org\nhost *.cdn.example\nhost nas.local:8080\nfolder /srv/films\n");
        for text in ["http://elsewhere.example/a.m3u8", "file:///etc/passwd", "file:///srv/films/a.m3u8"] {
            policy.grant(&url(text));
        }
        for text in [
            "https://example.org/",
            "http://EXAMPLE.org:81/",
            "http://a.b.cdn.example/",
            "http://nas.local:8080/",
            "file:///srv/films/sub/a.mkv",
        ] {
            assert!(policy.check(&url(text)).is_ok(), "{text}");
        }
        for text in [
            "http://elsewhere.example/",
            "http://cdn.example/",
            "http://evilcdn.example/",
            "http://example.org.evil.example/",
            "http://example.org@evil.example/",
            "http://nas.local/",
            "http://1.1.1.1/",
            "file:///etc/passwd",
            "file:///srv/filmsother/a.mkv",
            "file:///srv/FILMS/a.mkv",
            "file:///srv/films/..%2F..%2Fetc/passwd",
        ] {
            assert!(policy.check(&url(text)).is_err(), "{text}");
        }
        assert_eq!(look_up(&mut policy, "http://x.cdn.example/", None, &[PUBLIC]), Ok(1));
        assert_eq!(look_up(&mut policy, "http://y.cdn.example/", None, &[PRIVATE]), Err(code::DENIED));
    }

    #[test]
    fn list_with_anything_else_is_refused_with_its_line() {
        for line in ["hots a", "host", "host a/b", "host *", "host a@b", "folder films", "host http://a/"] {
            let error = Rules::default().take_list(&format!("host a\n{line}\n")).unwrap_err();
            assert!(error.contains("line 2"), "{line}: {error}");
        }
        assert!(Rules::default().allow("*.example").is_err());
    }

    #[test]
    fn other_spellings_of_private_addresses_are_seen_through() {
        let policy = policy(&["https://example.com/"]);
        for host in [
            "2130706433",
            "0177.0.0.1",
            "0x7f.1",
            "127.1",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "0",
            "0.0.0.0",
            "%31%32%37.0.0.1",
            "\u{ff11}27.0.0.1",
            "[fe80::1]",
            "[fd00::1]",
            "[64:ff9b::a00:1]",
            "10.1",
            "0xa9fea9fe",
        ] {
            let text = format!("http://{host}/");
            assert!(Url::parse(&text).is_err() || policy.check(&url(&text)).is_err(), "{text}");
        }
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
