//! A package pushed to an OCI registry, with and without a login.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use kinora_tests::Running;
use kinora_update::hex;
use sha2::{Digest, Sha256};

use crate::world::{World, component, version};

/// `tester:secret` (htpasswd, bcrypt).
const LOGIN: &str = "tester:$2b$05$nrOLaEoA7/F2NbG8zTrKZOKe2P2HlVIomU8sezEbg9PWbdHeq1Er2\n";

struct Registry {
    address: String,
    _program: Running,
}

impl Registry {
    /// Starts Debian's registry on a free port and waits until it says that it listens.
    fn start(folder: &Path, with_login: bool) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let at = |name: &str| folder.join(name).display().to_string();
        let mut config = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
            at("registry")
        );
        if with_login {
            std::fs::write(at("htpasswd"), LOGIN).unwrap();
            config += &format!("auth:\n  htpasswd:\n    realm: test\n    path: {}\n", at("htpasswd"));
        }
        std::fs::write(at("registry.yml"), config).unwrap();
        let mut command = Command::new("docker-registry");
        command.args(["serve", &at("registry.yml")]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut program = Running::start(&mut command).expect("the package docker-registry is installed");
        let mut lines = BufReader::new(program.stderr.take().unwrap()).lines();
        assert!(lines.by_ref().any(|line| line.unwrap().contains("listening on")), "it has not started");
        // It must not wait for a reader of its log.
        std::thread::spawn(move || lines.for_each(drop));
        Self { address, _program: program }
    }

    fn get(&self, path: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let accept = "application/vnd.oci.image.manifest.v1+json";
        write!(stream, "GET {path} HTTP/1.0\r\nAccept: {accept}\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.0 200"), "{path}: {}", String::from_utf8_lossy(&answer));
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        answer.split_off(end + 4)
    }
}

#[test]
fn package_in_a_registry_is_the_published_bytes() {
    let world = World::new("registry");
    let registry = Registry::start(&world.folder, false);
    let reference = format!("{}/kinora/core", registry.address);
    let digest = kinora_publish::push(&world.repository, &version("1.1.0"), &reference, None).unwrap();
    // Again: everything is there already.
    assert_eq!(
        kinora_publish::push(&world.repository, &version("1.1.0"), &reference, None).as_ref(),
        Ok(&digest)
    );

    let manifest = registry.get("/v2/kinora/core/manifests/1.1.0");
    assert_eq!(digest, format!("sha256:{}", hex(&Sha256::digest(&manifest))));
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let blob = |descriptor: &serde_json::Value| {
        registry.get(&format!("/v2/kinora/core/blobs/{}", descriptor["digest"].as_str().unwrap()))
    };
    assert_eq!(blob(&manifest["config"]), world.repository.read_target("core-1.1.0.json").unwrap());
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 2);
    assert_eq!(layers[0]["mediaType"], "application/wasm");
    assert_eq!(blob(&layers[0]), component("1.1.0"));
    let title = layers[1]["annotations"]["org.opencontainers.image.title"].as_str().unwrap();
    assert_eq!(blob(&layers[1]), world.repository.read_target(title).unwrap());
}

#[test]
fn registry_with_a_login_takes_a_package_from_those_who_have_it() {
    let world = World::new("registry-login");
    let registry = Registry::start(&world.folder, true);
    let push = |login: Option<(&str, &str)>| {
        let login = login.map(|(name, password)| (name.to_owned(), password.to_owned()));
        let reference = format!("{}/kinora/core:test", registry.address);
        kinora_publish::push(&world.repository, &version("1.1.0"), &reference, login)
    };
    assert!(push(None).unwrap_err().contains("wants a name and a password"));
    assert!(push(Some(("tester", "wrong"))).unwrap_err().contains("401"));
    push(Some(("tester", "secret"))).unwrap();
}

/// Answers as registries with a token service do: a challenge until the token comes, then 404, 202 and 201.
#[test]
fn registry_with_a_token_service_takes_a_package() {
    let world = World::new("registry-token");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut request, mut authorization, mut length) = (String::new(), String::new(), 0);
            reader.read_line(&mut request).unwrap();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let line = line.trim_end().to_ascii_lowercase();
                if line.is_empty() {
                    break;
                }
                if let Some(value) = line.strip_prefix("authorization: ") {
                    authorization = value.to_owned();
                }
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.parse().unwrap();
                }
            }
            std::io::copy(&mut reader.take(length), &mut std::io::sink()).unwrap();
            let challenge =
                format!("Bearer realm=\"http://{address}/token\",service=\"here\",scope=\"push\"");
            let (status, more, body) = match request.split(' ').next().unwrap() {
                "GET"
                    if request.contains("/token?service=here&scope=push")
                        && authorization == "basic bmftztpwyxnz" =>
                {
                    ("200 OK", String::new(), "{\"token\":\"t0ken\"}")
                }
                _ if authorization != "bearer t0ken" => {
                    ("401 Unauthorized", format!("www-authenticate: {challenge}\r\n"), "")
                }
                "HEAD" => ("404 Not Found", String::new(), ""),
                "POST" => ("202 Accepted", "location: /v2/up?state=1\r\n".to_owned(), ""),
                "PUT"
                    if request.contains("/v2/up?state=1&digest=") || request.contains("/manifests/1.1.0") =>
                {
                    ("201 Created", String::new(), "")
                }
                _ => ("400 Bad Request", String::new(), ""),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{more}\r\n",
                body.len()
            );
            stream.write_all((head + body).as_bytes()).unwrap();
        }
    });
    let reference = format!("{address}/kinora/core");
    let login = Some(("name".to_owned(), "pass".to_owned()));
    kinora_publish::push(&world.repository, &version("1.1.0"), &reference, login).unwrap();
}
