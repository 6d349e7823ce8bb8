//! Starts more fetches than may run.

use kinora_guests::bindings::kinora::shim::net::{self, Request};
use kinora_guests::{Film, Mischief, expect, guest};

struct Floods;

impl Mischief for Floods {
    fn act(_: &Film) {
        let request = Request {
            method: "GET".into(),
            url: "http://127.0.0.1:9/".into(),
            headers: Vec::new(),
            body: Vec::new(),
            window_bytes: u32::MAX,
            extras: Vec::new(),
        };
        let refused = (0..1000).filter(|_| net::fetch(&request).is_err()).count();
        expect("fetches beyond the cap are refused", refused >= 900);
    }
}

guest!(Floods);
