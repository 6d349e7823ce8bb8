//! What the owner of a device says beside, or in place of, what a person opens: `--allow`, `--deny-net`, and the list of a managed
//! device.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use reqwest::Url;

use super::files::Folder;

/// Names that one list may hold: those of a large content network, and no file that was taken for a list by mistake.
const MAX_ENTRIES: usize = 4096;
/// Room for so many of the longest names and remarks.
const MAX_LIST_BYTES: u64 = 2 << 20;

/// The owner's rules. The default adds and forbids nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    hosts: Vec<Host>,
    folders: Vec<Folder>,
    /// Only what is named here, whatever a person opens.
    closed: bool,
    deny_net: bool,
}

/// A host that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: String,
    /// Any if none.
    pub(super) port: Option<u16>,
    /// Those below the name, not itself. Nobody knows them all, so that none may lead into a private network.
    pub(super) below: bool,
}

impl Host {
    /// `example.org`, `nas.local:8080`, `[fd00::1]`, `*.example.org`.
    fn parse(text: &str) -> Option<Self> {
        let (below, rest) = text.strip_prefix("*.").map_or((false, text), |rest| (true, rest));
        // As addresses have it: lower case, Punycode, numbers of IPv4 in one form.
        let url = Url::parse(&format!("http://{rest}/")).ok()?;
        let plain = url.path() == "/" && url.query().is_none() && url.username().is_empty();
        // The default port is not kept in an address, though it was said.
        let port = url.port().or_else(|| rest.ends_with(":80").then_some(80));
        let name = url.host_str().filter(|name| plain && !name.is_empty() && !name.contains('*'))?;
        Some(Self { name: name.to_owned(), port, below })
    }

    /// That of an address that was opened.
    pub(super) fn of(url: &Url) -> Self {
        let name = url.host_str().unwrap_or_default().to_owned();
        Self { name, port: url.port_or_known_default(), below: false }
    }

    pub(super) fn is(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let named = if self.below {
            host.strip_suffix(&self.name).is_some_and(|front| front.len() > 1 && front.ends_with('.'))
        } else {
            host == self.name
        };
        named && self.port.is_none_or(|port| url.port_or_known_default() == Some(port))
    }
}

impl Rules {
    /// Lets content reach `host` (`NAME[:PORT]`), though nobody opened it, and wherever it lies.
    pub fn allow(&mut self, host: &str) -> Result<(), String> {
        let found = Host::parse(host).filter(|host| !host.below);
        self.hosts.push(found.ok_or_else(|| format!("`{host}` is not the name of a host"))?);
        Ok(())
    }

    /// Lets nothing reach the network, whatever is opened or allowed.
    pub fn deny_net(&mut self) {
        self.deny_net = true;
    }

    /// Reads the list of a managed device from a file; the error names it.
    pub fn read_list(&mut self, path: &Path) -> Result<(), String> {
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(MAX_LIST_BYTES).read_to_string(&mut text));
        read.map_err(|e| e.to_string())
            .and_then(|_| self.take_list(&text))
            .map_err(|e| format!("{}: {e}", path.display()))
    }

    /// Takes the list of a managed device: from now on nothing but what it names may be reached. A line is `host NAME[:PORT]`,
    /// `host *.NAME` (names below it, on the internet only) or `folder PATH` (everything below it); `#` begins a remark.
    pub(super) fn take_list(&mut self, text: &str) -> Result<(), String> {
        self.closed = true;
        let lines = (1..).zip(text.lines()).map(|(number, line)| (number, line.trim()));
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let damaged =
                || format!("line {number} of the list says neither `host NAME` nor `folder PATH`: {line}");
            let (kind, value) = line.split_once(char::is_whitespace).ok_or_else(damaged)?;
            match (kind, value.trim()) {
                ("host", value) => self.hosts.push(Host::parse(value).ok_or_else(damaged)?),
                ("folder", value) if Path::new(value).is_absolute() => {
                    self.folders.push(Folder::at(PathBuf::from(value)));
                }
                _ => return Err(damaged()),
            }
            if self.hosts.len() + self.folders.len() > MAX_ENTRIES {
                return Err(format!("the list has more than {MAX_ENTRIES} entries"));
            }
        }
        Ok(())
    }

    /// Whether the owner lets a person or content reach `url` at all.
    pub(super) fn permit(&self, url: &Url) -> bool {
        match url.scheme() {
            "http" | "https" => {
                !self.deny_net && (!self.closed || self.hosts.iter().any(|host| host.is(url)))
            }
            "file" if self.closed => {
                url.to_file_path().is_ok_and(|path| self.folders.iter().any(|folder| folder.holds(&path)))
            }
            _ => true,
        }
    }

    /// Whether the owner names the host of `url`, so that nobody has to open it.
    pub(super) fn names(&self, url: &Url) -> bool {
        matches!(url.scheme(), "http" | "https") && self.hosts.iter().any(|host| host.is(url))
    }

    /// Whether only what is named may be reached.
    pub(super) fn are_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn folders(&self) -> impl Iterator<Item = &Folder> {
        self.folders.iter()
    }

    /// Those named one by one.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.hosts.iter().filter(|host| !host.below)
    }
}
