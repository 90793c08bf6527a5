//! A server that answers as a test says, on a free port of loopback; it ends with the test.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Status, headers (each with its line end) and body.
pub(crate) type Reply = (u16, String, String);

pub(crate) struct Fake {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
    serving: Option<JoinHandle<()>>,
}

impl Fake {
    /// `answer` is given each request as it came, head and body.
    pub(crate) fn new(answer: impl Fn(&str) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (requests, over) = (Arc::new(Mutex::new(vec![])), Arc::new(AtomicBool::new(false)));
        let (seen, end) = (Arc::clone(&requests), Arc::clone(&over));
        let serving = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                let Some(request) = read(&mut stream) else { continue };
                let (status, headers, body) = answer(&request);
                seen.lock().unwrap().push(request);
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n");
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
            }
        });
        Self { port, requests, over, serving: Some(serving) }
    }

    /// Passes on to the server at `url` what `instead` does not answer.
    pub(crate) fn before(url: &str, instead: impl Fn(&str) -> Option<Reply> + Send + 'static) -> Self {
        let address = url.trim_start_matches("http://").to_owned();
        Self::new(move |request| {
            instead(request).unwrap_or_else(|| {
                let mut stream = TcpStream::connect(&address).unwrap();
                stream.write_all(request.as_bytes()).unwrap();
                let reply = read(&mut stream).unwrap();
                let (head, body) = reply.split_once("\r\n\r\n").unwrap();
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                let kept = head.lines().skip(1).filter(|line| !line.to_lowercase().starts_with("content-length"));
                (status, kept.map(|line| format!("{line}\r\n")).collect(), body.to_owned())
            })
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // A last caller, so that it looks.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        self.serving.take().map(JoinHandle::join);
    }
}

fn read(stream: &mut TcpStream) -> Option<String> {
    let (mut request, mut buffer) = (vec![], [0; 8192]);
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Some(text.into_owned());
        }
    }
}
