//! `http:` and `https:` fetches: one request a hop, each hop under policy.

use std::sync::{Mutex, PoisonError};

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder};
use futures_util::TryStreamExt;
use kinora_port::{Failure, NetHead, NetRequest};
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, StatusCode, Url};
use tokio::io::BufReader;
use tokio_util::io::StreamReader;

use crate::client::{Clients, Patience};
use crate::failure;
use crate::fetch::{Body, CHUNK_BYTES, Sink};
use crate::names::Names;
use crate::policy::{Policy, Scope};

const MAX_REDIRECTS: usize = 10;

/// What belongs to the connection and not to the request.
const CONNECTION_HEADERS: [HeaderName; 9] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::PROXY_AUTHORIZATION,
    header::ACCEPT_ENCODING,
];

/// A request whose every part is known to be well-formed.
pub(crate) struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(request: NetRequest, url: Url) -> Result<Self, Failure> {
        let method = match request.method.as_str() {
            "GET" => Method::GET,
            "HEAD" => Method::HEAD,
            "POST" => Method::POST,
            other => return Err(failure::invalid(format!("{other} is not a method of this network"))),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) else {
                return Err(failure::invalid(format!("the request header {name:?} is malformed")));
            };
            if !CONNECTION_HEADERS.contains(&name) {
                headers.append(name, value);
            }
        }
        // A part of a compressed answer cannot be decompressed.
        let encodings = if headers.contains_key(header::RANGE) { "identity" } else { "gzip, br" };
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(encodings));
        Ok(Self { method, url, headers, body: request.body })
    }

    /// RFC 9110 section 15.4, with what browsers make of it: after 303, and after 301 and 302 to a POST, the new place is read with GET.
    /// What proves who the person is does not follow to another origin.
    fn redirect(&mut self, status: StatusCode, to: Url) {
        let becomes_get = match status {
            StatusCode::SEE_OTHER => self.method != Method::HEAD,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body.clear();
            self.headers.remove(header::CONTENT_TYPE);
        }
        if self.url.origin() != to.origin() {
            self.headers.remove(header::AUTHORIZATION);
            self.headers.remove(header::COOKIE);
        }
        self.url = to;
    }
}

/// What all fetches share.
pub(crate) struct Web<'a> {
    pub(crate) clients: &'a Clients,
    pub(crate) names: &'a Names,
    pub(crate) policy: &'a Mutex<Policy>,
    pub(crate) patience: Patience,
}

impl Web<'_> {
    /// Runs `request` to its end.
    pub(crate) async fn run(&self, mut request: Request, sink: &Sink) -> Result<u64, Failure> {
        let mut from = None;
        for _ in 0..=MAX_REDIRECTS {
            let (scope, sent_us, response) = self.hop(&request, from, sink).await?;
            if let Some(to) = redirection(&response) {
                self.policy.lock().unwrap_or_else(PoisonError::into_inner).check_redirect(&to)?;
                from = Some(scope);
                request.redirect(response.status(), to);
                continue;
            }
            let with_body = request.method != Method::HEAD;
            let (head, body) = answer(response, with_body, sent_us, sink.now_us());
            sink.head(head);
            return match body {
                Some(body) => sink.deliver(&request.url, body, self.patience.idle).await,
                None => Ok(0),
            };
        }
        let host = request.url.host_str().unwrap_or_default();
        Err(failure::malformed(host, "it redirects without end"))
    }

    async fn hop(
        &self,
        request: &Request,
        from: Option<Scope>,
        sink: &Sink,
    ) -> Result<(Scope, u64, Response), Failure> {
        let (client, proxied) = self.clients.for_url(&request.url);
        let scope = if proxied {
            // The proxy looks names up where we cannot see it, and the system trusts it to know what lies behind.
            Scope::Public
        } else {
            self.names.approve(self.policy, &request.url, from, self.patience.connect).await?
        };
        let sent_us = sink.now_us();
        let sending = client
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone())
            .body(request.body.clone())
            .send();
        let answered = tokio::time::timeout(self.patience.connect + self.patience.idle, sending).await;
        let response = answered.map_err(|_| failure::timed_out(&request.url))?;
        Ok((scope, sent_us, response.map_err(|error| failure::of_transfer(&request.url, &error))?))
    }
}

/// Where `response` sends us on to. A 3xx without a place, such as 304, is an answer.
fn redirection(response: &Response) -> Option<Url> {
    let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(header::LOCATION).filter(|_| redirects)?;
    // Some servers send UTF-8 there, which is no header value for `to_str`.
    let mut to = response.url().join(std::str::from_utf8(location.as_bytes()).ok()?).ok()?;
    to.set_fragment(None);
    Some(to)
}

/// Splits an answer into its head and its decoded body.
fn answer(response: Response, with_body: bool, sent_us: u64, first_byte_us: u64) -> (NetHead, Option<Body>) {
    let encoding = response.headers().get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    let encoding = encoding.unwrap_or_default().trim().to_ascii_lowercase();
    // A part of a compressed answer is handed on as it is.
    let decodes = with_body && response.status() != StatusCode::PARTIAL_CONTENT;
    let gzip = decodes && matches!(encoding.as_str(), "gzip" | "x-gzip");
    let brotli = decodes && encoding == "br";
    let describes_encoded =
        |name: &HeaderName| *name == header::CONTENT_ENCODING || *name == header::CONTENT_LENGTH;
    let headers =
        response.headers().iter().filter(|(name, _)| !((gzip || brotli) && describes_encoded(name)));
    let headers = headers
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let head = NetHead {
        status: response.status().as_u16().into(),
        final_url: response.url().to_string(),
        headers: headers.collect(),
        sent_us,
        first_byte_us,
    };
    let bytes = || StreamReader::new(Box::pin(response.bytes_stream().map_err(std::io::Error::other)));
    let body: Option<Body> = match (with_body, gzip, brotli) {
        (false, ..) => None,
        (_, true, _) => {
            let mut decoder = GzipDecoder::new(bytes());
            decoder.multiple_members(true);
            Some(Box::pin(BufReader::with_capacity(CHUNK_BYTES, decoder)))
        }
        (.., true) => Some(Box::pin(BufReader::with_capacity(CHUNK_BYTES, BrotliDecoder::new(bytes())))),
        _ => Some(Box::pin(bytes())),
    };
    (head, body)
}
