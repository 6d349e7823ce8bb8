//! The HTTP clients: trust, connections, proxies.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use kinora_port::{Failure, Next, code};
use reqwest::{Client, Proxy, Url, redirect};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::names::{Connector, Names};

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For a name look-up, and for a connection with its TLS.
    pub(crate) connect: Duration,
    /// For the next byte.
    pub(crate) idle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), idle: Duration::from_secs(20) }
    }
}

/// One client for each way to the network.
pub(crate) struct Clients {
    direct: Client,
    proxied: Client,
    proxies: Arc<Matcher>,
}

impl Clients {
    /// Loads the certificates of the system, which takes tens of milliseconds: not on the way to a local file.
    pub(crate) fn new(
        names: &Arc<Names>,
        proxies: Arc<Matcher>,
        trusted: &[CertificateDer<'static>],
        patience: Patience,
    ) -> Result<Self, Failure> {
        let broken = |error: &dyn std::fmt::Display| {
            Failure::new(Next::Stop, code::TLS, format!("secure connections cannot be set up: {error}"))
        };
        let tls = tls(trusted).map_err(|error| broken(&error))?;
        let builder = |proxied| {
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .redirect(redirect::Policy::none())
                .connect_timeout(patience.connect)
                .tcp_nodelay(true)
                .user_agent(concat!("Kinora/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(Arc::new(Connector { names: Arc::clone(names), proxied }))
                .no_proxy()
        };
        let mut proxied = builder(true);
        for scheme in ["http", "https"] {
            proxied = rule(&proxies, scheme).into_iter().fold(proxied, reqwest::ClientBuilder::proxy);
        }
        Ok(Self {
            direct: builder(false).build().map_err(|error| broken(&error))?,
            proxied: proxied.build().map_err(|error| broken(&error))?,
            proxies,
        })
    }

    /// The client for `url`, and whether a proxy stands between.
    pub(crate) fn for_url(&self, url: &Url) -> (&Client, bool) {
        let target = url.as_str().parse().ok();
        let proxied = target.is_some_and(|target| self.proxies.intercept(&target).is_some());
        (if proxied { &self.proxied } else { &self.direct }, proxied)
    }
}

/// The proxy for addresses of `scheme`, with its name and password. Exceptions need no rule: they go to the direct client.
fn rule(proxies: &Matcher, scheme: &'static str) -> Option<Proxy> {
    let proxy = proxies.intercept(&format!("{scheme}://proxied.invalid/").parse().ok()?)?;
    let address = Url::parse(&proxy.uri().to_string()).ok()?;
    let rule = Proxy::custom(move |url| (url.scheme() == scheme).then(|| address.clone()));
    Some(match proxy.basic_auth() {
        Some(credentials) => rule.custom_http_auth(credentials.clone()),
        None => rule,
    })
}

/// The certificates of the system, of which a person may have added some, and Mozilla's.
fn tls(trusted: &[CertificateDer<'static>]) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots.add_parsable_certificates(trusted.iter().cloned());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
