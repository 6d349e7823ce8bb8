//! Bytes from the network and from granted files, for every shim with threads and sockets.
//!
//! One thread of its own runs all transfers. A body is taken from its connection only as credit allows, so that a core that reads
//! slowly slows the sender down and nothing piles up in between. What may be reached is decided in `policy.rs`.

mod client;
mod failure;
mod fetch;
mod file;
mod http;
mod names;
mod policy;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper_util::client::proxy::matcher::Matcher;
use kinora_port::{Failure, Grant, HostUs, Net, NetEvents, NetRequest, Next, code};
use reqwest::Url;
use rustls::pki_types::CertificateDer;
use tokio::runtime::Handle;
use tokio::sync::{OnceCell, oneshot};

use client::{Clients, Patience};
use fetch::{Fetch, Sink};
use names::Names;
use policy::Policy;
pub use policy::Rules;

/// The shim's monotonic clock.
pub type Clock = Arc<dyn Fn() -> HostUs + Send + Sync>;

/// Transfers at once; a player keeps to a handful.
const MAX_LIVE: usize = 64;

/// A fetch and the task that runs it.
struct Live {
    fetch: Arc<Fetch>,
    task: tokio::task::AbortHandle,
}

/// What the owner and the tasks share.
struct Shared {
    policy: Mutex<Policy>,
    live: Mutex<BTreeMap<u64, Live>>,
    names: Arc<Names>,
    clients: OnceCell<Clients>,
    proxies: Arc<Matcher>,
    trusted: Vec<CertificateDer<'static>>,
    patience: Patience,
}

/// [`Net`] over sockets and files.
pub struct HostNet {
    shared: Arc<Shared>,
    events: NetEvents,
    clock: Clock,
    runtime: Handle,
    /// Dropped to end the thread.
    _stop: oneshot::Sender<()>,
}

impl HostNet {
    /// Starts the thread. Proxies are those of the environment (`http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`).
    pub fn new(clock: Clock, events: NetEvents) -> std::io::Result<Self> {
        Self::with(clock, events, Matcher::from_env(), Vec::new(), Patience::default())
    }

    fn with(
        clock: Clock,
        events: NetEvents,
        proxies: Matcher,
        trusted: Vec<CertificateDer<'static>>,
        patience: Patience,
    ) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::Builder::new().name("kinora-net".into()).spawn(move || {
            // Ends with an error when the sender is dropped.
            let _ = runtime.block_on(stopped);
            // A name look-up or a read from a dead disk must not hold the exit up.
            runtime.shutdown_background();
        })?;
        let shared = Shared {
            policy: Mutex::default(),
            live: Mutex::default(),
            names: Arc::default(),
            clients: OnceCell::new(),
            proxies: Arc::new(proxies),
            trusted,
            patience,
        };
        Ok(Self { shared: Arc::new(shared), events, clock, runtime: handle, _stop: stop })
    }

    /// Takes the rules of the device's owner, before anything is opened.
    pub fn restrict(&mut self, rules: Rules) {
        self.shared.policy().restrict(rules);
    }

    /// Grants one file of the system's choosing, such as a font, and gives its URL.
    pub fn grant_file(&mut self, path: &Path) -> Option<String> {
        let path = std::path::absolute(path).ok()?;
        self.shared.policy().files.grant_exact(&path);
        path_to_url(&path)
    }
}

/// The `file:` URL of an absolute path.
pub fn path_to_url(path: &Path) -> Option<String> {
    Url::from_file_path(path).ok().map(String::from)
}

/// The path that a `file:` URL names; escapes are decoded once.
pub fn url_to_path(url: &str) -> Option<PathBuf> {
    Url::parse(url).ok().filter(|url| url.scheme() == "file")?.to_file_path().ok()
}

/// Caption files beside `path` that bear its name, as URLs; granted together with it.
pub fn related_captions(path: &Path) -> Vec<String> {
    policy::captions_beside(path).iter().filter_map(|caption| path_to_url(caption)).collect()
}

/// What a person typed: an address, or else a path.
fn opened_url(source: &str) -> Option<Url> {
    let address = source.split_once(':').filter(|(scheme, rest)| {
        // `C:\film.mkv` is a path; so is `part 1: film.mkv`.
        let letters = scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        scheme.len() > 1 && letters && (rest.starts_with("//") || scheme.eq_ignore_ascii_case("file"))
    });
    match address {
        Some(_) => Url::parse(source).ok(),
        None => Url::from_file_path(std::path::absolute(source).ok()?).ok(),
    }
}

/// The stem of the last part of the path, decoded.
fn title(url: &Url) -> String {
    let path = url.to_file_path().unwrap_or_else(|()| {
        let file = Url::parse(&format!("file:///{}", url.path().trim_start_matches('/')));
        file.ok().and_then(|file| file.to_file_path().ok()).unwrap_or_default()
    });
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

impl Shared {
    fn policy(&self) -> MutexGuard<'_, Policy> {
        self.policy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self) -> MutexGuard<'_, BTreeMap<u64, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run_http(&self, request: http::Request, sink: &Sink) -> Result<u64, Failure> {
        let make =
            || async { Clients::new(&self.names, Arc::clone(&self.proxies), &self.trusted, self.patience) };
        let clients = self.clients.get_or_try_init(make).await?;
        let web = http::Web { clients, names: &self.names, policy: &self.policy, patience: self.patience };
        web.run(request, sink).await
    }

    async fn run_file(self: &Arc<Self>, request: NetRequest, url: Url, sink: &Sink) -> Result<u64, Failure> {
        let sent_us = sink.now_us();
        let with_body = request.method != "HEAD";
        let (shared, granted) = (Arc::clone(self), url.clone());
        let located = tokio::task::spawn_blocking(move || {
            let path =
                granted.to_file_path().map_err(|()| failure::invalid(format!("{granted} names no file")))?;
            // A copy: the disk may be slow, and the owner's thread asks the policy too.
            let files = shared.policy().files.clone();
            files.locate(&path)
        });
        let path = located.await.map_err(|error| failure::invalid(error.to_string()))??;
        let range = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("range"));
        let range = range.map(|(_, value)| value.as_str());
        let (head, body) = file::open(&url, path, range, with_body, sent_us, || sink.now_us()).await?;
        sink.head(head);
        sink.deliver(&url, body, self.patience.idle).await
    }
}

impl Net for HostNet {
    fn fetch(&mut self, ticket: u64, request: NetRequest) -> Result<(), Failure> {
        let url = Url::parse(&request.url)
            .map_err(|error| failure::invalid(format!("{} is not an address: {error}", request.url)))?;
        self.shared.policy().check(&url)?;
        if self.shared.live().len() >= MAX_LIVE {
            return Err(Failure::new(Next::Wait, code::TOO_MANY, "too many transfers at once"));
        }
        let fetch = Arc::new(Fetch::new(request.window_bytes));
        let sink = Sink {
            ticket,
            fetch: Arc::clone(&fetch),
            events: Arc::clone(&self.events),
            clock: Arc::clone(&self.clock),
        };
        let shared = Arc::clone(&self.shared);
        let is_file = url.scheme() == "file";
        if is_file && !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Err(failure::invalid("files are only read".to_owned()));
        }
        let web = if is_file { None } else { Some(http::Request::new(request.clone(), url.clone())?) };
        // Held until the entry is in, so that a transfer that ends at once finds it.
        let mut live = self.shared.live();
        let task = self.runtime.spawn(async move {
            let outcome = match web {
                Some(request) => shared.run_http(request, &sink).await,
                None => shared.run_file(request, url, &sink).await,
            };
            sink.finish(outcome);
            shared.live().remove(&sink.ticket);
        });
        live.insert(ticket, Live { fetch, task: task.abort_handle() });
        Ok(())
    }

    fn credit(&mut self, ticket: u64, bytes: u32) {
        if let Some(live) = self.shared.live().get(&ticket) {
            live.fetch.credit(bytes);
        }
    }

    fn cancel(&mut self, ticket: u64) {
        let cancelled = self.shared.live().remove(&ticket);
        if let Some(live) = cancelled {
            live.fetch.cancel();
            live.task.abort();
        }
    }

    fn grant(&mut self, source: &str) -> Grant {
        let Some(url) = opened_url(source) else {
            return Grant { url: source.to_owned(), ..Grant::default() };
        };
        self.shared.policy().grant(&url);
        let related = url.to_file_path().map(|path| related_captions(&path)).unwrap_or_default();
        Grant { title: title(&url), url: url.into(), related }
    }

    fn busy(&self) -> bool {
        self.shared.live().values().any(|live| live.fetch.is_busy())
    }
}

impl Drop for HostNet {
    fn drop(&mut self) {
        let live = std::mem::take(&mut *self.shared.live());
        for live in live.into_values() {
            live.fetch.cancel();
            live.task.abort();
        }
    }
}
