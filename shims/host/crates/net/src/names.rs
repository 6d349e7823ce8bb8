//! Names and addresses: a connection is made only to addresses that policy has seen.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kinora_port::{Failure, Next, code};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::failure;
use crate::policy::{Policy, Scope, literal};

/// How long a look-up is good for. The system keeps its own, shorter or longer; this spares a look-up a segment where it has none.
const FRESH_FOR: Duration = Duration::from_secs(60);
/// Hosts of a session before old ones are forgotten.
const MAX_NAMES: usize = 256;

struct Known {
    found: Vec<SocketAddr>,
    approved: Vec<SocketAddr>,
    at: Instant,
}

/// Looked-up names and which of their addresses may be used.
#[derive(Default)]
pub(crate) struct Names(Mutex<HashMap<String, Known>>);

impl Names {
    /// Looks `url`'s host up and lets policy choose among its addresses. Must precede every request: the connector finds only what
    /// was approved here.
    pub(crate) async fn approve(
        &self,
        policy: &Mutex<Policy>,
        url: &Url,
        from: Option<Scope>,
        timeout: Duration,
    ) -> Result<Scope, Failure> {
        let host = url.host_str().unwrap_or_default();
        let addresses = match (literal(url), self.fresh(host)) {
            (Some(address), _) => vec![SocketAddr::new(address, 0)],
            (None, Some(found)) => found,
            (None, None) => look_up(url, host, timeout).await?,
        };
        let mut policy = policy.lock().unwrap_or_else(PoisonError::into_inner);
        let (approved, scope) = policy.check_addresses(url, from, &addresses)?;
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= MAX_NAMES {
            names.retain(|_, known| known.at.elapsed() < FRESH_FOR);
        }
        let at = names
            .get(host)
            .filter(|known| known.found == addresses)
            .map_or_else(Instant::now, |known| known.at);
        names.insert(host.to_owned(), Known { found: addresses, approved, at });
        Ok(scope)
    }

    fn fresh(&self, host: &str) -> Option<Vec<SocketAddr>> {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(host).filter(|known| known.at.elapsed() < FRESH_FOR).map(|known| known.found.clone())
    }

    fn approved(&self, host: &str) -> Option<Vec<SocketAddr>> {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(host).map(|known| known.approved.clone())
    }
}

/// Ports stay 0: the connector puts in those of the address.
async fn look_up(url: &Url, host: &str, timeout: Duration) -> Result<Vec<SocketAddr>, Failure> {
    match tokio::time::timeout(timeout, tokio::net::lookup_host((host, 0))).await {
        Err(_) => Err(failure::timed_out(url)),
        Ok(Ok(addresses)) => Ok(addresses.collect()),
        Ok(Err(_)) => {
            let message = format!("{host} was not found: check the address and the network connection");
            Err(Failure::new(Next::TellUser, code::NAME, message))
        }
    }
}

/// What the connector asks. The proxies' own names are looked up freely: the system named them.
pub(crate) struct Connector {
    pub(crate) names: Arc<Names>,
    pub(crate) proxied: bool,
}

impl Resolve for Connector {
    fn resolve(&self, name: Name) -> Resolving {
        let approved = self.names.approved(name.as_str());
        let proxied = self.proxied;
        Box::pin(async move {
            let addresses: Addrs = match approved {
                Some(addresses) => Box::new(addresses.into_iter()),
                None if proxied => Box::new(
                    tokio::net::lookup_host((name.as_str(), 0)).await?.collect::<Vec<_>>().into_iter(),
                ),
                None => return Err("a name that policy has not seen".into()),
            };
            Ok(addresses)
        })
    }
}
