use std::io::Write;
use std::net::{Shutdown, TcpListener};
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_compression::tokio::write::{BrotliEncoder, GzipEncoder};
use hyper_util::client::proxy::matcher::Matcher;
use kinora_port::{Net, NetChange, code};
use tokio::io::AsyncWriteExt;

use super::{Bench, Server, ok, redirect, request, with_header};
use crate::client::Patience;

/// A bench at which a person opened `server`.
fn opened(server: &Server) -> Bench {
    let mut bench = Bench::new();
    bench.net.grant(&server.url("/"));
    bench
}

fn compressed(body: &[u8], brotli: bool) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        if brotli {
            let mut encoder = BrotliEncoder::new(Vec::new());
            encoder.write_all(body).await.unwrap();
            encoder.shutdown().await.unwrap();
            encoder.into_inner()
        } else {
            let mut encoder = GzipEncoder::new(Vec::new());
            encoder.write_all(body).await.unwrap();
            encoder.shutdown().await.unwrap();
            encoder.into_inner()
        }
    })
}

#[test]
fn fetch_of_body_larger_than_a_chunk_delivers_all_of_it_in_order() {
    let body: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let server = Server::fixed(ok("X-Some: Thing\r\n", &body));
    let outcome = opened(&server).get(&server.url("/a?b=c"));
    assert_eq!(outcome.status(), 200);
    assert_eq!(outcome.header("x-some"), Some("Thing"));
    assert!(outcome.body == body);
    let head = outcome.head.unwrap();
    assert!(head.sent_us < head.first_byte_us);
    assert!(server.request(0).starts_with("GET /a?b=c HTTP/1.1\r\n"));
}

#[test]
fn fetch_of_range_passes_it_on_and_asks_for_no_encoding() {
    let server =
        Server::fixed("HTTP/1.1 206 Partial\r\nContent-Range: bytes 2-4/9\r\nContent-Length: 3\r\n\r\ncde");
    let mut bench = opened(&server);
    let ticket = bench.start(with_header(request(&server.url("/")), "Range", "bytes=2-4")).unwrap();
    let outcome = bench.finish(ticket);
    assert_eq!((outcome.status(), &outcome.body[..]), (206, &b"cde"[..]));
    assert_eq!(outcome.header("content-range"), Some("bytes 2-4/9"));
    let asked = server.request(0).to_lowercase();
    assert!(asked.contains("range: bytes=2-4") && asked.contains("accept-encoding: identity"), "{asked}");
}

#[test]
fn fetch_of_error_status_is_an_answer() {
    for (status, body) in [(404, "nothing here"), (500, ""), (304, "")] {
        let server =
            Server::fixed(format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
        let outcome = opened(&server).get(&server.url("/"));
        assert_eq!((outcome.status(), outcome.body.as_slice()), (status, body.as_bytes()));
    }
}

#[test]
fn fetch_of_compressed_answer_is_decoded() {
    let body = b"#EXTM3U\n".repeat(100_000);
    for (name, brotli) in [("gzip", false), ("br", true)] {
        let packed = compressed(&body, brotli);
        let server = Server::fixed(ok(&format!("Content-Encoding: {name}\r\n"), &packed));
        let outcome = opened(&server).get(&server.url("/"));
        assert!(outcome.body == body, "{name}");
        assert_eq!(outcome.header("content-encoding"), None);
        assert_eq!(outcome.header("content-length"), None);
    }
}

#[test]
fn fetch_of_damaged_compression_is_malformed() {
    let mut packed = compressed(&b"text ".repeat(1000), false);
    packed[12..20].fill(0xff);
    let server = Server::fixed(ok("Content-Encoding: gzip\r\n", &packed));
    assert_eq!(opened(&server).get(&server.url("/")).code(), code::MALFORMED);
}

#[test]
fn fetch_delivers_exactly_the_credit_it_was_given() {
    let server = Server::fixed(ok("", &[7; 200_000]));
    let mut bench = opened(&server);
    let mut limited = request(&server.url("/"));
    limited.window_bytes = 10;
    let ticket = bench.start(limited).unwrap();
    assert!(matches!(bench.next(), (_, NetChange::Head(_))));
    assert!(matches!(bench.next(), (_, NetChange::Chunk(_, bytes)) if bytes.len() == 10));
    bench.starve();
    bench.net.credit(ticket, 70_000);
    let mut delivered = 0;
    while delivered < 70_000 {
        let (_, NetChange::Chunk(_, bytes)) = bench.next() else { panic!() };
        delivered += bytes.len();
    }
    assert_eq!(delivered, 70_000);
    bench.starve();
    bench.net.credit(ticket, u32::MAX);
    let mut rest = 0;
    let total = loop {
        match bench.next() {
            (_, NetChange::Chunk(_, bytes)) => rest += bytes.len(),
            (_, NetChange::End(total)) => break total,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((rest, total), (129_990, 200_000));
}

#[test]
fn fetch_of_empty_body_ends_without_credit() {
    let server = Server::fixed(ok("", b""));
    let mut bench = opened(&server);
    let mut limited = request(&server.url("/"));
    limited.window_bytes = 0;
    let ticket = bench.start(limited).unwrap();
    assert_eq!(bench.finish(ticket).end, Ok(0));
}

#[test]
fn cancel_of_running_fetch_is_silent() {
    let server = Server::fixed(ok("", &[7; 200_000]));
    let mut bench = opened(&server);
    let mut limited = request(&server.url("/"));
    limited.window_bytes = 1;
    let ticket = bench.start(limited).unwrap();
    assert!(matches!(bench.next(), (_, NetChange::Head(_))));
    assert!(matches!(bench.next(), (_, NetChange::Chunk(..))));
    bench.net.cancel(ticket);
    bench.net.credit(ticket, 1000);
    assert!(!bench.net.busy());
    // `finish` sees no event of another ticket.
    assert_eq!(bench.get(&server.url("/")).end, Ok(200_000));
}

#[test]
fn fetches_one_after_another_share_a_connection() {
    let server = Server::fixed(ok("", b"x"));
    let mut bench = opened(&server);
    for _ in 0..3 {
        assert_eq!(bench.get(&server.url("/")).body, b"x");
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[test]
fn fetch_beyond_the_limit_waits() {
    let server = Server::new(|_, _| {});
    let mut bench = opened(&server);
    for _ in 0..crate::MAX_LIVE {
        bench.start(request(&server.url("/"))).unwrap();
    }
    assert!(bench.net.busy());
    assert_eq!(bench.start(request(&server.url("/"))).unwrap_err().code, code::TOO_MANY);
}

#[test]
fn redirect_is_followed_and_the_last_address_reported() {
    let target = Server::fixed(ok("", b"here"));
    let place = target.url("/b");
    let server = Server::new(move |_, stream| drop(stream.write_all(redirect(302, &place).as_bytes())));
    let mut bench = opened(&server);
    let mut asked = with_header(request(&server.url("/a")), "Authorization", "secret");
    asked.method = "POST".into();
    asked.body = b"form".to_vec();
    let ticket = bench.start(asked).unwrap();
    let outcome = bench.finish(ticket);
    assert_eq!(outcome.body, b"here");
    assert_eq!(outcome.head.unwrap().final_url, target.url("/b"));
    let asked = target.request(0).to_lowercase();
    assert!(asked.starts_with("get /b") && !asked.contains("secret"), "{asked}");
}

#[test]
fn redirect_without_end_is_malformed() {
    let server = Server::fixed(redirect(301, "/again"));
    let outcome = opened(&server).get(&server.url("/"));
    assert_eq!(outcome.code(), code::MALFORMED);
    assert_eq!(server.requests.lock().unwrap().len(), 11);
}

#[test]
fn redirect_to_another_network_or_to_a_file_is_denied() {
    for place in [
        "http://192.168.77.77/",
        "http://169.254.169.254/",
        "http://[fd00::1]/",
        "file:///etc/passwd",
        "ftp://h/",
    ] {
        let server = Server::fixed(redirect(307, place));
        let outcome = opened(&server).get(&server.url("/"));
        assert_eq!(outcome.code(), code::DENIED, "{place}");
        assert_eq!(outcome.head, None);
    }
}

#[test]
fn fetch_of_what_was_not_opened_is_denied_without_traffic() {
    let server = Server::fixed(ok("", b"secret"));
    let mut bench = Bench::new();
    assert_eq!(bench.start(request(&server.url("/"))).unwrap_err().code, code::DENIED);
    bench.net.grant("http://93.184.216.34/a.m3u8");
    assert_eq!(bench.start(request(&server.url("/"))).unwrap_err().code, code::DENIED);
    let by_name = format!("http://localhost:{}/", server.address.port());
    let ticket = bench.start(request(&by_name)).unwrap();
    assert_eq!(bench.finish(ticket).code(), code::DENIED);
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn fetch_by_opened_name_on_this_device_is_allowed() {
    let server = Server::fixed(ok("", b"mine"));
    let url = format!("http://localhost:{}/a.m3u8", server.address.port());
    let mut bench = Bench::new();
    bench.net.grant(&url);
    assert_eq!(bench.get(&url).body, b"mine");
}

#[test]
fn answer_cut_in_its_middle_delivers_what_came_and_fails() {
    let server = Server::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789");
        let _ = stream.shutdown(Shutdown::Both);
    });
    let outcome = opened(&server).get(&server.url("/"));
    assert_eq!(outcome.body, b"0123456789");
    assert_eq!(outcome.code(), code::CUT);
}

#[test]
fn answer_longer_than_its_length_ends_at_its_length() {
    let server = Server::fixed("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef");
    assert_eq!(opened(&server).get(&server.url("/")).body, b"abc");
}

#[test]
fn answer_in_pieces_is_put_together() {
    let server = Server::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for piece in ["3\r\nabc\r\n", "2\r\nde\r\n", "0\r\n\r\n"] {
            let _ = stream.write_all(piece.as_bytes());
            let _ = stream.flush();
        }
    });
    assert_eq!(opened(&server).get(&server.url("/")).body, b"abcde");
}

#[test]
fn server_that_stalls_times_out() {
    let patience = Patience { connect: Duration::from_millis(100), idle: Duration::from_millis(100) };
    for sent in ["", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc"] {
        let server = Server::fixed(sent);
        let mut bench = Bench::with(Matcher::builder().build(), Vec::new(), patience);
        bench.net.grant(&server.url("/"));
        assert_eq!(bench.get(&server.url("/")).code(), code::TIMED_OUT);
    }
}

#[test]
fn port_without_server_is_refused_and_nonsense_malformed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let mut bench = Bench::new();
    bench.net.grant(&url);
    let refused = bench.get(&url);
    assert_eq!(refused.code(), code::REFUSED);
    assert_eq!(refused.end.unwrap_err().message, "127.0.0.1 refused the connection: no server listens there");
    assert_eq!(bench.start(request("http://")).unwrap_err().code, code::INVALID);
    assert_eq!(bench.start(with_header(request(&url), "a b", "c")).unwrap_err().code, code::INVALID);
    let server = Server::fixed("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    assert_eq!(opened(&server).get(&server.url("/")).code(), code::MALFORMED);
}

#[test]
fn name_that_does_not_exist_is_said_so() {
    let mut bench = Bench::new();
    bench.net.grant("http://kinora.invalid/a");
    assert_eq!(bench.get("http://kinora.invalid/a").code(), code::NAME);
}

#[test]
fn proxy_is_asked_with_its_password_for_names_it_looks_up() {
    let proxy = Server::fixed(ok("", b"by proxy"));
    let matcher =
        Matcher::builder().http(format!("http://user:pw@{}", proxy.address)).no("direct.invalid").build();
    let mut bench = Bench::with(matcher, Vec::new(), Patience::default());
    bench.net.grant("http://film.invalid/a.m3u8");
    assert_eq!(bench.get("http://film.invalid/a.m3u8").body, b"by proxy");
    let asked = proxy.request(0);
    assert!(asked.starts_with("GET http://film.invalid/a.m3u8 "), "{asked}");
    assert!(asked.to_lowercase().contains("proxy-authorization: basic dxnlcjpwdw=="), "{asked}");
    assert_eq!(bench.get("http://direct.invalid/").code(), code::NAME);
}
