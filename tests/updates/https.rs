//! Updates as devices get them: over TLS, from a server that an authority vouches for, be it the owner's own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kinora_publish::serve::Server;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::commands::{Publisher, component};
use crate::devices::{Device, publisher};

/// Says which certificates a program trusts besides Mozilla's, as with OpenSSL.
const AUTHORITIES: &str = "SSL_CERT_FILE";

/// An authority of the owner's own; its certificate lies in a file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    fn new(publisher: &Publisher, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = publisher.0.join(format!("{name}.pem"));
        std::fs::write(&file, issuer.pem()).unwrap();
        Authority { issuer, file }
    }

    /// Serves the publisher's repository until the process ends, with a certificate for this name; the address.
    fn serve(&self, publisher: &Publisher, name: &str) -> String {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.unwrap().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();

        let plain = Server::bind(&publisher.0.join("repository"), 0).unwrap();
        let behind = plain.address().unwrap();
        std::thread::spawn(move || plain.run());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = Arc::new(config);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let config = Arc::clone(&config);
                // A client that does not trust us goes away.
                std::thread::spawn(move || drop(pass_on(stream, config, behind)));
            }
        });
        format!("https://localhost:{port}")
    }
}

/// Answers one request with what the server behind answers.
fn pass_on(stream: TcpStream, config: Arc<ServerConfig>, behind: SocketAddr) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut lines = BufReader::new(StreamOwned::new(connection, stream));
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") && lines.read_line(&mut request)? > 0 {}
    let mut plain = TcpStream::connect(behind)?;
    plain.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer)?;
    let mut stream = lines.into_inner();
    stream.write_all(&answer)?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// A device of this publisher that trusts this file.
fn device(publisher: &Publisher, address: &str, trusted: &Path) -> Device {
    let mut device = Device::at(publisher, address);
    device.environment.push((AUTHORITIES, trusted.to_owned()));
    device
}

#[test]
fn update_comes_over_tls_from_a_server_of_the_owners_authority() {
    let publisher = publisher("https-own-authority");
    let authority = Authority::new(&publisher, "authority");
    let device = device(&publisher, &authority.serve(&publisher, "localhost"), &authority.file);
    let checked = device.core("check").unwrap();
    assert!(checked.contains("0.2.0 is there, and was installed"), "{checked}");
    publisher.add(&component(), "0.2.1", "");
    publisher.run("promote 0.2.1 stable").unwrap();
    let checked = device.json("check");
    assert!(checked["received_bytes"].as_u64().unwrap() < 20_000, "only the difference comes: {checked}");
    assert_eq!(device.chosen().as_deref(), Some("0.2.1"));
}

#[test]
fn server_of_an_unknown_authority_or_another_name_is_refused_and_what_runs_kept() {
    let publisher = publisher("https-unknown");
    let (known, unknown) = (Authority::new(&publisher, "known"), Authority::new(&publisher, "unknown"));
    let good = device(&publisher, &known.serve(&publisher, "localhost"), &known.file);
    good.core("check").unwrap();
    assert_eq!(good.chosen().as_deref(), Some("0.2.0"));
    publisher.add(&component(), "0.2.1", "");
    publisher.run("promote 0.2.1 stable").unwrap();
    for (address, told) in [
        (
            unknown.serve(&publisher, "localhost"),
            &["localhost cannot be trusted", "add the certificate of its authority", AUTHORITIES][..],
        ),
        (known.serve(&publisher, "elsewhere.example"), &["its certificate is for another name"]),
    ] {
        let device = device(&publisher, &address, &known.file);
        let refused = device.core("check").unwrap_err();
        assert!(told.iter().all(|words| refused.contains(words)), "{refused}");
        assert!(device.core("why").unwrap().contains(told[0]));
        assert_eq!(device.chosen().as_deref(), Some("0.2.0"));
    }
}
