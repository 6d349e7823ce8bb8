use std::sync::Arc;

use hyper_util::client::proxy::matcher::Matcher;
use kinora_port::{Net, code};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::Bench;
use crate::client::Patience;

/// A TLS server that speaks HTTP/2 only and answers with "second"; its address and certificate.
fn serve_http2(name: &str) -> (String, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(stream) = acceptor.accept(stream).await else { continue };
                let Ok(mut connection) = h2::server::handshake(stream).await else { continue };
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    let answer = http::Response::builder().status(200).body(()).unwrap();
                    let mut body = respond.send_response(answer, false).unwrap();
                    body.send_data("second".into(), true).unwrap();
                }
            }
        });
    });
    (format!("https://localhost:{port}/"), certificate)
}

#[test]
fn certificate_that_nobody_vouches_for_is_refused_in_words() {
    let (url, _) = serve_http2("localhost");
    let mut bench = Bench::new();
    bench.net.grant(&url);
    let failure = bench.get(&url).end.unwrap_err();
    assert_eq!(failure.code, code::TLS);
    let expected = "localhost cannot be trusted: nobody this device knows vouches for its certificate";
    assert!(failure.message.starts_with(expected), "{}", failure.message);
}

#[test]
fn certificate_for_another_name_is_refused() {
    let (url, certificate) = serve_http2("elsewhere.example");
    let mut bench = Bench::with(Matcher::builder().build(), vec![certificate], Patience::default());
    bench.net.grant(&url);
    assert_eq!(bench.get(&url).code(), code::TLS);
}

#[test]
fn trusted_certificate_is_spoken_http2_with() {
    let (url, certificate) = serve_http2("localhost");
    let mut bench = Bench::with(Matcher::builder().build(), vec![certificate], Patience::default());
    bench.net.grant(&url);
    let outcome = bench.get(&url);
    assert_eq!((outcome.status(), &outcome.body[..]), (200, &b"second"[..]));
}
