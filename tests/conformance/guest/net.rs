//! `net`, with the driver's server at the other end.

use kinora_guests::bindings::exports::kinora::shim::player::Event;
use kinora_guests::bindings::kinora::shim::types::{Failure, NextStep};

use crate::api::net::{self, Change, Request};
use crate::report::{Stop, Verdict, must};
use crate::running::{event, events, first, forget_events, served, sleep, trap};

/// Longest chunk.
const MAX_CHUNK: usize = 64 << 10;
/// Longer than any of the server's answers takes.
const LIMIT_US: u64 = 20_000_000;

/// What came of a fetch.
struct Fetched {
    status: u32,
    body: Vec<u8>,
    end: Result<u64, Failure>,
}

fn request(url: &str, window_bytes: u32) -> Request {
    Request {
        method: "GET".into(),
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
        window_bytes,
        extras: Vec::new(),
    }
}

fn fetch(path: &str, window_bytes: u32) -> Result<u64, Stop> {
    net::fetch(&request(&served(path), window_bytes)).map_err(|e| e.message.into())
}

/// Byte `at` of every body the server sends.
fn pattern(at: usize) -> u8 {
    (at ^ (at >> 8) ^ (at >> 16)) as u8
}

async fn change(ticket: u64, limit_us: u64) -> Option<Change> {
    let next = event(limit_us, |event| match event {
        Event::Net((t, change)) if *t == ticket => Some(change.clone()),
        _ => None,
    });
    next.await
}

/// Goes on where anything can be fetched, or would be if it were granted.
async fn offered() -> Verdict {
    match change(fetch("bytes/0", 0)?, LIMIT_US).await {
        Some(Change::Failed(failure)) if failure.next == NextStep::Unsupported => {
            Err(Stop::NotOffered("net".into()))
        }
        _ => Ok(()),
    }
}

/// Follows a fetch to its end, and demands the order of its events and the bytes of its body.
async fn follow(ticket: u64) -> Result<Fetched, Stop> {
    let mut status = None;
    let mut body: Vec<u8> = Vec::new();
    let end = loop {
        match change(ticket, LIMIT_US).await {
            None => return Err("a fetch does not come to an end".into()),
            Some(Change::Head(head)) => {
                must(status.is_none(), "a fetch has two heads")?;
                must(head.first_byte_us >= head.sent_us, "an answer does not come before its question")?;
                let low = head.headers.iter().all(|(name, _)| !name.contains(|c: char| c.is_uppercase()));
                must(low, "names of headers are lower case")?;
                status = Some(head.status);
            }
            Some(Change::Chunk((_, bytes))) => {
                must(status.is_some(), "a chunk comes before the head")?;
                must(bytes.len() <= MAX_CHUNK, format!("a chunk of {} bytes", bytes.len()))?;
                let right = bytes.iter().enumerate().all(|(i, byte)| *byte == pattern(body.len() + i));
                must(right, format!("other bytes than were sent, at {} or after", body.len()))?;
                body.extend(bytes);
            }
            Some(Change::End(total)) => break Ok(total),
            Some(Change::Failed(failure)) => break Err(failure),
        }
    };
    if let Ok(total) = end {
        must(status.is_some(), "a fetch ends without a head")?;
        must(total == body.len() as u64, format!("end says {total} bytes, {} came", body.len()))?;
    }
    let more = change(ticket, 300_000).await;
    must(more.is_none(), "something comes after the end of a fetch")?;
    Ok(Fetched { status: status.unwrap_or(0), body, end })
}

/// Fetches something that comes whole.
pub(crate) async fn fetch_whole(path: &str) -> Verdict {
    let fetched = follow(fetch(path, u32::MAX)?).await?;
    must(fetched.end.is_ok(), format!("{path} does not come whole"))
}

/// Order and truth of a fetch's events, from servers good and bad.
pub(crate) async fn fetch_order() -> Verdict {
    offered().await?;
    for length in [0, 1, 70_000, 1_000_000] {
        let fetched = follow(fetch(&format!("bytes/{length}"), u32::MAX)?).await?;
        must(fetched.status == 200, format!("status {} instead of 200", fetched.status))?;
        must(
            fetched.end.is_ok() && fetched.body.len() == length,
            format!("{length} bytes do not come whole"),
        )?;
    }
    for (path, status, length) in
        [("status/404", 404, 0), ("drip/4000", 200, 4000), ("redirect/900", 200, 900)]
    {
        let fetched = follow(fetch(path, u32::MAX)?).await?;
        must(fetched.status == status, format!("{path}: status {} instead of {status}", fetched.status))?;
        must(fetched.end.is_ok() && fetched.body.len() == length, format!("{path} does not come whole"))?;
    }
    for path in ["cut/5000", "reset/5000", "refused", "loop"] {
        let fetched = follow(fetch(path, u32::MAX)?).await?;
        must(fetched.end.is_err(), format!("{path} ends as if all had come"))?;
    }
    // What a fetch of a range gives begins where the range does, unlike the pattern.
    let mut part = request(&served("bytes/1000"), u32::MAX);
    part.headers = vec![("Range".into(), "bytes=256-511".into())];
    let ticket = net::fetch(&part).map_err(|e| e.message)?;
    let mut body = Vec::new();
    let mut status = 0;
    while let Some(change) = change(ticket, LIMIT_US).await {
        match change {
            Change::Head(head) => status = head.status,
            Change::Chunk((_, bytes)) => body.extend(bytes),
            Change::End(_) | Change::Failed(_) => break,
        }
    }
    let right = body.len() == 256 && body.iter().enumerate().all(|(i, byte)| *byte == pattern(256 + i));
    must(status == 206 && right, format!("a range gives status {status} and {} bytes", body.len()))?;
    let mut live = Vec::new();
    let refused = (0..200).find_map(|_| match fetch("stall", u32::MAX) {
        Ok(ticket) => {
            live.push(ticket);
            None
        }
        Err(_) => Some(net::fetch(&request(&served("stall"), 1))),
    });
    live.iter().for_each(|ticket| net::cancel(*ticket));
    match refused {
        Some(Err(failure)) => {
            must(failure.next == NextStep::Wait && failure.code == 2, "too many fetches is `wait` code 2")
        }
        _ => must(false, "200 fetches at once are not refused"),
    }
}

/// What nobody opened is refused in words, and nothing of it is sent; the check is opened from a file, so no address is granted.
pub(crate) async fn fetch_denied() -> Verdict {
    offered().await?;
    for url in [
        served("forbidden"),
        "file:///etc/hostname".into(),
        "file:///etc/../etc/hostname".into(),
        "file:///proc/self/environ".into(),
        "ftp://127.0.0.1/x".into(),
    ] {
        let failure = match net::fetch(&request(&url, u32::MAX)) {
            Err(failure) => failure,
            Ok(ticket) => match change(ticket, LIMIT_US).await {
                Some(Change::Failed(failure)) => failure,
                other => return Err(format!("{url} is not refused but gives {other:?}").into()),
            },
        };
        let right = failure.next == NextStep::TellUser && failure.code == 4;
        must(right, format!("{url} is refused as {failure:?} and not with `tell-user` code 4"))?;
    }
    Ok(())
}

/// Body bytes come only as far as credit goes.
pub(crate) async fn credit_bound() -> Verdict {
    offered().await?;
    let ticket = fetch("bytes/300000", 10_000)?;
    let mut granted = 10_000;
    let mut came = 0;
    for more in [0, 1, 5_000, 100_000] {
        net::credit(ticket, more);
        granted += more as usize;
        for event in events(500_000).await {
            if let Event::Net((t, Change::Chunk((_, bytes)))) = event
                && t == ticket
            {
                came += bytes.len();
            }
        }
        must(came <= granted, format!("{came} bytes came on a credit of {granted}"))?;
        must(came == granted, format!("only {came} bytes came on a credit of {granted}"))?;
    }
    net::credit(ticket, u32::MAX);
    let mut total = None;
    while total.is_none() {
        match change(ticket, LIMIT_US).await {
            Some(Change::Chunk((_, bytes))) => came += bytes.len(),
            Some(Change::End(end)) => total = Some(end),
            other => return Err(format!("the fetch ends with {other:?}").into()),
        }
    }
    must(came == 300_000, format!("{came} of 300000 bytes came"))
}

/// Nothing comes of a cancelled fetch.
pub(crate) async fn cancel_silent() -> Verdict {
    offered().await?;
    let ticket = fetch("drip/200000", 20_000)?;
    while !matches!(change(ticket, LIMIT_US).await, Some(Change::Chunk(_)) | None) {}
    must(net::live().contains(&ticket), "a fetch that runs is among the live ones")?;
    net::cancel(ticket);
    net::credit(ticket, 1_000_000);
    forget_events();
    sleep(10_000).await;
    must(!net::live().contains(&ticket), "a cancelled fetch is not among the live ones")?;
    let late = change(ticket, 1_500_000).await;
    must(late.is_none(), "an event of a cancelled fetch came")?;
    // Ids that name nothing are no reason to trap.
    net::cancel(ticket);
    net::cancel(u64::MAX);
    net::credit(0, 1);
    Ok(())
}

/// Fetches end with the instance that began them.
pub(crate) async fn live_own() -> Verdict {
    if first() {
        offered().await?;
        let ticket = fetch("stall", u32::MAX)?;
        let slow = fetch("drip/100000", 100)?;
        sleep(100_000).await;
        let live = net::live();
        must(live.contains(&ticket) && live.contains(&slow), "fetches that run are among the live ones")?;
        trap("").await;
    }
    must(net::live().is_empty(), "a fetch of the instance before is among the live ones")?;
    let own = fetch("bytes/1000", u32::MAX)?;
    let strange = event(1_500_000, |event| match event {
        Event::Net((ticket, _)) if *ticket != own => Some(()),
        _ => None,
    });
    must(strange.await.is_none(), "an event of a fetch of the instance before came")
}
