//! A live stream made of a finished one: its playlist is handed out as a window that slides.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Media;

/// Twenty-five segments of four seconds, picture and sound together.
pub const LIVE_STREAM: Media = Media {
    name: "stream.m3u8",
    args: "-f lavfi -i testsrc2=s=192x108:r=30:d=100 -f lavfi -i sine=f=440:r=48000:d=100 \
           -c:v libx264 -preset ultrafast -g 60 -bf 2 -pix_fmt yuv420p -c:a aac -b:a 64k \
           -f hls -hls_time 4 -hls_playlist_type vod",
};

/// Serves a folder with the playlists of complete streams (RFC 8216) as if they were live. Time, for it, is what a player has asked for: each
/// time a playlist is asked for it has one segment more, if the one before was fetched. So a run does not depend on the clock of the
/// machine, and a player that asks more often gets no further than it reads.
#[derive(Debug)]
pub struct LiveServer {
    address: SocketAddr,
}

/// What is served.
#[derive(Debug, Clone)]
pub struct LiveConfig {
    /// Of the finished stream.
    pub folder: PathBuf,
    /// Segments of the window.
    pub window: usize,
    /// With so many segments, for how many loads of the playlist it stands still.
    pub holds: Option<(usize, u32)>,
    /// Segments after which it is over. Beyond the end of the finished stream it begins again, after a discontinuity.
    pub total: usize,
}

struct Channel {
    config: LiveConfig,
    /// By name of the playlist.
    published: Mutex<HashMap<String, Published>>,
}

struct Published {
    /// Segments there are.
    count: usize,
    /// The newest was fetched.
    fetched: bool,
    /// Loads for which it still stands still, once it does.
    holds: u32,
}

impl LiveServer {
    /// Starts on a free port of loopback. It ends with the process.
    pub fn start(config: LiveConfig) -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
        let address = listener.local_addr().map_err(|e| e.to_string())?;
        let channel = Arc::new(Channel { config, published: Mutex::default() });
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let channel = Arc::clone(&channel);
                // A client that goes away is none of the server's business.
                std::thread::spawn(move || drop(channel.answer(stream)));
            }
        });
        Ok(LiveServer { address })
    }

    /// The address of a file in the folder.
    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }
}

impl Channel {
    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut first = String::new();
        reader.read_line(&mut first)?;
        let mut line = String::new();
        while reader.read_line(&mut line)? > 2 {
            line.clear();
        }
        let target = first.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
        let (name, query) = target.split_once('?').unwrap_or((target, ""));
        let (status, body) = match self.body(name, query) {
            Some(body) => ("200 OK", body),
            None => ("404 Not Found", Vec::new()),
        };
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes())?;
        stream.write_all(&body)
    }

    fn body(&self, name: &str, query: &str) -> Option<Vec<u8>> {
        let path = self.config.folder.join(Path::new(name).file_name()?);
        let file = std::fs::read(path).ok()?;
        let text = std::str::from_utf8(&file).ok().filter(|text| text.contains("#EXT-X-ENDLIST"));
        if let Some(text) = text {
            return Some(self.window(name, text));
        }
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((list, n)) = query.split_once(':')
            && let Some(published) = published.get_mut(list)
        {
            let n: usize = n.parse().ok()?;
            // What left the window is gone.
            if n >= published.count || n + self.config.window < published.count {
                return None;
            }
            published.fetched |= n + 1 == published.count;
        }
        drop(published);
        Some(file)
    }

    /// The playlist as it is now.
    fn window(&self, name: &str, text: &str) -> Vec<u8> {
        let LiveConfig { window, total, holds, .. } = self.config;
        let whole = |line: &&str| {
            !["#EXT-X-ENDLIST", "#EXT-X-PLAYLIST-TYPE", "#EXT-X-MEDIA-SEQUENCE"]
                .iter()
                .any(|tag| line.starts_with(tag))
        };
        let lines: Vec<&str> = text.lines().filter(whole).collect();
        let first = lines.iter().position(|line| line.starts_with("#EXTINF")).unwrap_or(lines.len());
        let (head, body) = lines.split_at(first);
        // Tags up to an address belong to its segment.
        let segments: Vec<&[&str]> = body.split_inclusive(|line| !line.starts_with('#')).collect();

        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Published {
            count: window.min(total),
            fetched: false,
            holds: holds.map_or(0, |(_, loads)| loads),
        };
        let list = published.entry(name.to_owned()).or_insert_with(new);
        if list.holds > 0 && holds.is_some_and(|(at, _)| at == list.count) {
            list.holds -= 1;
        } else if std::mem::take(&mut list.fetched) && list.count < total {
            list.count += 1;
        }
        let count = list.count;
        drop(published);

        let from = count.saturating_sub(window);
        let rounds = from.saturating_sub(1) / segments.len();
        let mut out = format!(
            "{}\n#EXT-X-MEDIA-SEQUENCE:{from}\n#EXT-X-DISCONTINUITY-SEQUENCE:{rounds}\n",
            head.join("\n")
        );
        for n in from..count {
            if n > 0 && n.is_multiple_of(segments.len()) {
                out += "#EXT-X-DISCONTINUITY\n";
            }
            out += &format!("{}?{name}:{n}\n", segments[n % segments.len()].join("\n"));
        }
        if count == total {
            out += "#EXT-X-ENDLIST\n";
        }
        out.into_bytes()
    }
}
