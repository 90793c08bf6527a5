//! The sandbox behind a socket.

use crate::http::{Fate, Request};
use crate::{Options, Sandbox};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Response, http};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A sandbox that is being served. It stops when this is dropped.
#[derive(Debug)]
pub struct Served {
    /// Where.
    pub address: SocketAddr,
    sandbox: Arc<Mutex<Sandbox>>,
    task: JoinHandle<()>,
}

impl Served {
    /// The base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The sandbox itself.
    pub fn sandbox(&self) -> MutexGuard<'_, Sandbox> {
        lock(&self.sandbox)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(sandbox: &Mutex<Sandbox>) -> MutexGuard<'_, Sandbox> {
    sandbox.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves a sandbox on loopback; port 0 takes a free one. Its clock runs `speed` times as fast as ours.
///
/// # Errors
/// Where the port cannot be had.
#[expect(clippy::disallowed_methods, reason = "the edge: the calendar's time enters here")]
pub async fn serve(options: Options, port: u16, speed: f64) -> std::io::Result<Served> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    let sandbox = Arc::new(Mutex::new(Sandbox::new(options)));
    let started = (Instant::now(), SystemTime::now());
    let shared = Arc::clone(&sandbox);
    let task = tokio::spawn(async move {
        loop {
            // A client that is gone before it is accepted is no reason to stop.
            let Ok((stream, _)) = listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            let sandbox = Arc::clone(&shared);
            tokio::spawn(async move {
                let service = service_fn(move |request| answer(Arc::clone(&sandbox), started, speed, request));
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(Served { address, sandbox, task })
}

/// An error here closes the connection without an answer.
async fn answer(
    sandbox: Arc<Mutex<Sandbox>>,
    (started, wall): (Instant, SystemTime),
    speed: f64,
    request: http::Request<Incoming>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes().to_vec();
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let request = Request {
        method: parts.method.to_string(),
        target: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: parts.headers.iter().map(header).collect(),
        body,
    };
    let now = started.elapsed().mul_f64(speed);
    let reply = lock(&sandbox).handle(now, wall + now, &request);
    if reply.delay > Duration::ZERO {
        tokio::time::sleep(reply.delay.div_f64(speed)).await;
    }
    match reply.fate {
        Fate::Hang => std::future::pending().await,
        Fate::Reset => Err(std::io::Error::other("reset on purpose")),
        Fate::Delivered => {
            let mut builder = Response::builder().status(reply.status);
            for (name, value) in &reply.headers {
                builder = builder.header(name, value);
            }
            builder.body(Full::new(Bytes::from(reply.body))).map_err(std::io::Error::other)
        }
    }
}
