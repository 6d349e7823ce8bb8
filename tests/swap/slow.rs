//! Builds take turns while the network is slower than the film.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kinora_tests::{Media, framemd5, make};

use crate::swapping;

/// About a megabit a second.
const FILM: Media = Media {
    name: "slow.mp4",
    args: "-f lavfi -i testsrc2=s=320x180:r=25:d=12 -f lavfi -i sine=f=440:r=48000:d=12 -c:v libx264 \
           -preset ultrafast -g 25 -b:v 1M -maxrate 1M -bufsize 500k -pix_fmt yuv420p -c:a aac -b:a 64k \
           -movflags +faststart",
};
const FILM_US: u64 = 12_000_000;
const PIECE_BYTES: usize = 4096;
/// What the film is slowed down by.
const SHARE: f64 = 0.7;

/// Serves a film with ranges until the process ends, all connections together at a share of its rate; its address.
fn serve(film: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    let rate = film.len() as f64 * 1e6 / FILM_US as f64 * SHARE;
    let line = Arc::new(Mutex::new(Duration::from_secs_f64(PIECE_BYTES as f64 / rate)));
    let film: Arc<[u8]> = film.into();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (film, line) = (Arc::clone(&film), Arc::clone(&line));
            // A client that goes away is none of the server's business.
            std::thread::spawn(move || drop(answer(stream, &film, &line)));
        }
    });
    format!("http://{address}/film.mp4")
}

fn answer(mut stream: TcpStream, film: &[u8], line: &Mutex<Duration>) -> std::io::Result<()> {
    let mut asked = None;
    for header in BufReader::new(stream.try_clone()?).lines() {
        let header = header?.to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some((from, to)) = header.strip_prefix("range: bytes=").and_then(|range| range.split_once('-'))
        {
            let (from, to) = (from.trim().parse().unwrap_or(0), to.trim().parse().unwrap_or(usize::MAX));
            asked = Some((from.min(film.len()), to.saturating_add(1).min(film.len())));
        }
    }
    let (from, to) = asked.unwrap_or((0, film.len()));
    let part = &film[from..to.max(from)];
    let status = if asked.is_some() { "206 Partial Content" } else { "200 OK" };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nconnection: close\r\naccept-ranges: bytes\r\ncontent-length: {}\r\n\
         content-range: bytes {from}-{}/{}\r\n\r\n",
        part.len(),
        to - 1,
        film.len()
    )?;
    for piece in part.chunks(PIECE_BYTES) {
        // Held while it is sent: the connections share one line.
        let takes = line.lock().unwrap_or_else(PoisonError::into_inner);
        std::thread::sleep(*takes);
        stream.write_all(piece)?;
    }
    Ok(())
}

/// The film stands still again and again, and nobody is blamed.
pub(crate) fn stalling() -> Result<(), String> {
    let path = make(&FILM)?;
    let source = serve(std::fs::read(&path).map_err(|e| e.to_string())?);
    let played = swapping("stalling", &source, "4", 4, &["--clock", "real"])?;
    let took_us = played.figure("/duration_us")?;
    if took_us < FILM_US + 2_000_000 {
        return Err(format!("it did not stall: {took_us} us"));
    }
    if played.frames() == framemd5(&path)? { Ok(()) } else { Err(format!("other frames\n{}", played.stderr)) }
}
