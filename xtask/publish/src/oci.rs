//! A package in an OCI registry: the very bytes of the repository as one artefact (OCI image specification 1.1, "Guidelines for Artifact
//! Usage"; distribution specification 1.1, "Push"). Devices take nothing from there: signatures and freshness are TUF's. It is for people
//! and tools that mirror or look at cores.
//!
//! Discarded: `oci-client`, which does this and brings 25 crates nothing else here needs.

use kinora_update::{File, Package, hex};
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use semver::Version;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::package::packages;
use crate::repository::Repository;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CORE: &str = "application/vnd.kinora.core.v1+json";
const COMPONENT: &str = "application/wasm";
const ARTEFACT: &str = "application/vnd.kinora.artefact.v1";

/// Pushes `version` to `reference` (`HOST[:PORT]/NAME[:TAG]`; the tag is the version where none is given) and gives the digest of its
/// manifest. `login` is a name and a password.
pub fn push(
    repository: &Repository,
    version: &Version,
    reference: &str,
    login: Option<(String, String)>,
) -> Result<String, String> {
    let packages = packages(repository)?;
    let package = packages.get(version).ok_or_else(|| format!("there is no {version}; add it first"))?;
    let (base, tag) = address(reference, version)?;
    // The two ways to make TLS that are built in leave reqwest none to choose by itself. It may have been chosen before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = Client::builder().build().map_err(|error| error.to_string())?;
    let mut registry = Registry { client, base, login, proof: Proof::None };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(registry.push(repository, package, &tag))
}

/// Where the name's API begins, and the tag. Only a registry on this machine is spoken to without TLS.
fn address(reference: &str, version: &Version) -> Result<(Url, String), String> {
    let wrong = || format!("{reference} is not HOST[:PORT]/NAME[:TAG]");
    let (host, rest) = reference.split_once('/').ok_or_else(wrong)?;
    let (name, tag) = match rest.split_once(':') {
        Some((name, tag)) => (name, tag.to_owned()),
        // A tag has no plus sign.
        None => (rest, version.to_string().replace('+', "_")),
    };
    let local = matches!(host.split(':').next(), Some("localhost" | "127.0.0.1"));
    let scheme = if local { "http" } else { "https" };
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b))
    };
    if !plain(name) || !plain(&tag) || name.contains("..") {
        return Err(wrong());
    }
    Ok((Url::parse(&format!("{scheme}://{host}/v2/{name}/")).map_err(|_| wrong())?, tag))
}

struct Registry {
    client: Client,
    base: Url,
    login: Option<(String, String)>,
    proof: Proof,
}

/// What a registry wants with each request.
enum Proof {
    None,
    /// The login (RFC 7617).
    Login,
    /// A token that the login bought (RFC 6750).
    Token(String),
}

impl Registry {
    async fn push(
        &mut self,
        repository: &Repository,
        package: &Package,
        tag: &str,
    ) -> Result<String, String> {
        let description = repository.read_target(&Package::target(&package.version))?;
        let config = self.blob(CORE, &description).await?;
        let mut layers = vec![self.file(repository, COMPONENT, &package.component).await?];
        for artefact in package.artefacts.values() {
            layers.push(self.file(repository, ARTEFACT, artefact).await?);
        }
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": CORE,
            "config": config,
            "layers": layers,
            "annotations": {
                "org.opencontainers.image.title": package.name,
                "org.opencontainers.image.version": package.version.to_string(),
                "org.opencontainers.image.description": package.notes,
            },
        });
        let manifest = manifest.to_string().into_bytes();
        let url = self.url(&format!("manifests/{tag}"))?;
        let digest = digest(&manifest);
        let response = self.send(Method::PUT, &url, MANIFEST, manifest).await?;
        expect(&response, &[StatusCode::CREATED])?;
        Ok(digest)
    }

    async fn file(&mut self, repository: &Repository, kind: &str, file: &File) -> Result<Value, String> {
        let mut descriptor = self.blob(kind, &repository.read_target(&file.target)?).await?;
        descriptor["annotations"] = json!({ "org.opencontainers.image.title": file.target });
        Ok(descriptor)
    }

    /// Uploads `bytes` unless they are there, and describes them.
    async fn blob(&mut self, kind: &str, bytes: &[u8]) -> Result<Value, String> {
        let digest = digest(bytes);
        let descriptor = json!({ "mediaType": kind, "digest": digest, "size": bytes.len() });
        let url = self.url(&format!("blobs/{digest}"))?;
        if self.send(Method::HEAD, &url, "", Vec::new()).await?.status() == StatusCode::OK {
            return Ok(descriptor);
        }
        let start = self.url("blobs/uploads/")?;
        let response = self.send(Method::POST, &start, "", Vec::new()).await?;
        expect(&response, &[StatusCode::ACCEPTED])?;
        let place = response.headers().get(LOCATION).and_then(|place| place.to_str().ok());
        let place = place.and_then(|place| start.join(place).ok());
        let mut place = place.ok_or("the registry does not say where to upload to")?;
        place.query_pairs_mut().append_pair("digest", &digest);
        let response = self.send(Method::PUT, &place, "application/octet-stream", bytes.to_vec()).await?;
        expect(&response, &[StatusCode::CREATED])?;
        Ok(descriptor)
    }

    fn url(&self, path: &str) -> Result<Url, String> {
        self.base.join(path).map_err(|error| error.to_string())
    }

    /// Sends, and sends again with proof of who we are if the registry asks for it.
    async fn send(
        &mut self,
        method: Method,
        url: &Url,
        kind: &str,
        body: Vec<u8>,
    ) -> Result<Response, String> {
        let response = self.send_once(method.clone(), url, kind, body.clone()).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let challenge =
            response.headers().get(WWW_AUTHENTICATE).and_then(|challenge| challenge.to_str().ok());
        self.proof = self.answer(challenge.unwrap_or_default()).await?;
        self.send_once(method, url, kind, body).await
    }

    async fn send_once(
        &self,
        method: Method,
        url: &Url,
        kind: &str,
        body: Vec<u8>,
    ) -> Result<Response, String> {
        let mut request = self.client.request(method, url.clone()).body(body);
        if !kind.is_empty() {
            request = request.header(CONTENT_TYPE, kind);
        }
        // To another host, as that of an upload may be, goes no proof of who we are.
        if url.origin() == self.base.origin() {
            request = match &self.proof {
                Proof::None => request,
                Proof::Login => self.log_in(request),
                Proof::Token(token) => request.bearer_auth(token),
            };
        }
        request.send().await.map_err(|error| format!("{}: {error}", self.base))
    }

    /// The answer to a challenge: the login itself, or the token that it buys (the registry token specification of the CNCF distribution).
    async fn answer(&self, challenge: &str) -> Result<Proof, String> {
        let (scheme, parameters) = challenge.split_once(' ').unwrap_or((challenge, ""));
        if scheme.eq_ignore_ascii_case("basic") {
            let login = self.login.as_ref().map(|_| Proof::Login);
            return login.ok_or_else(|| format!("{} wants a name and a password", self.base));
        }
        let parameter = |name: &str| {
            let after = parameters.split_once(&format!("{name}=\""))?.1;
            after.split_once('"').map(|(value, _)| value)
        };
        let realm = parameter("realm").and_then(|realm| Url::parse(realm).ok());
        let Some(mut realm) = realm.filter(|_| scheme.eq_ignore_ascii_case("bearer")) else {
            return Err(format!("{} asks for a proof that is not known here: {challenge}", self.base));
        };
        for name in ["service", "scope"] {
            if let Some(value) = parameter(name) {
                realm.query_pairs_mut().append_pair(name, value);
            }
        }
        let request = self.client.get(realm.clone()).header(ACCEPT, "application/json");
        let response = self.log_in(request).send().await.map_err(|error| format!("{realm}: {error}"))?;
        expect(&response, &[StatusCode::OK])?;
        let body = response.bytes().await.map_err(|error| format!("{realm}: {error}"))?;
        let body: Value = serde_json::from_slice(&body).map_err(|error| format!("{realm}: {error}"))?;
        let token = body["token"].as_str().or_else(|| body["access_token"].as_str());
        token.map(|token| Proof::Token(token.to_owned())).ok_or_else(|| format!("{realm} gives no token"))
    }

    fn log_in(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.login {
            Some((name, password)) => request.basic_auth(name, Some(password)),
            None => request,
        }
    }
}

fn expect(response: &Response, statuses: &[StatusCode]) -> Result<(), String> {
    if statuses.contains(&response.status()) {
        return Ok(());
    }
    Err(format!("{} answers {}", response.url(), response.status()))
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}
