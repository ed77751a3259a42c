//! A TCP proxy between one life of a worker and one service. It reads whole requests, so that it
//! knows what it does to each.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::fate::{self, Fate, Kind, Service};
use super::observe::{Call, Observer};
use super::wire::{self, Message};
use crate::sim::history::Who;

/// A request waits so long at most for one that overtakes it.
const OVERTAKEN_WITHIN: Duration = Duration::from_millis(300);
/// Longer than any worker waits for an answer.
const HANG: Duration = Duration::from_secs(30);
const PIECE_AFTER: Duration = Duration::from_millis(30);

/// The way to a service, which all workers share.
pub struct Route {
    pub service: Service,
    server: SocketAddr,
    observer: Arc<Observer>,
    random: Mutex<Rng>,
    /// How many of 1,000 requests meet a fault. 0: it is calm.
    share: AtomicU32,
    /// Held while a call is at the server, so that the history has the server's order.
    at_server: tokio::sync::Mutex<()>,
    passed: Notify,
    /// The texts of findings that Slack refuses.
    refused: Vec<String>,
}

impl Route {
    pub fn new(
        service: Service,
        server: SocketAddr,
        observer: &Arc<Observer>,
        seed: u64,
        share: u32,
        refused: Vec<String>,
    ) -> Route {
        Route {
            service,
            server,
            observer: Arc::clone(observer),
            random: Mutex::new(Rng::with_seed(seed ^ (service as u64 + 1) << 32)),
            share: AtomicU32::new(share),
            at_server: tokio::sync::Mutex::default(),
            passed: Notify::new(),
            refused,
        }
    }

    pub fn calm(&self) {
        self.share.store(0, Ordering::Relaxed);
    }

    fn draw(&self, operation: &str) -> Fate {
        let share = self.share.load(Ordering::Relaxed);
        let mut random = self.random.lock().expect("no holder panics");
        if share == 0 {
            Fate::none()
        } else {
            fate::draw(&mut random, self.service, operation, share)
        }
    }
}

/// Listens for one life of a worker.
pub async fn listen(route: Arc<Route>, who: Who, open: Arc<AtomicU32>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            open.fetch_add(1, Ordering::SeqCst);
            let (route, open) = (Arc::clone(&route), Arc::clone(&open));
            tokio::spawn(async move {
                // A connection that breaks is what the proxy is for.
                let _ = Connection::new(route, who, stream).serve().await;
                open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    Ok(address)
}

struct Connection {
    route: Arc<Route>,
    who: Who,
    from: BufReader<OwnedReadHalf>,
    to: OwnedWriteHalf,
    server: Option<BufReader<TcpStream>>,
}

/// The connection to the worker ends.
struct Cut;

impl From<io::Error> for Cut {
    fn from(_: io::Error) -> Cut {
        Cut
    }
}

impl Connection {
    fn new(route: Arc<Route>, who: Who, stream: TcpStream) -> Connection {
        let (from, to) = stream.into_split();
        Connection { route, who, from: BufReader::new(from), to, server: None }
    }

    async fn serve(mut self) -> Result<(), Cut> {
        while let Some(request) = wire::read(&mut self.from).await? {
            let call = self.route.observer.arrived(self.route.service, self.who, &request);
            let fate = self.route.draw(&call.operation);
            if let Some(fault) = fate.name() {
                self.route.observer.did(&call, fault);
            }
            self.carry(&call, &request, fate).await?;
        }
        Ok(())
    }

    async fn carry(&mut self, call: &Call, request: &Message, fate: Fate) -> Result<(), Cut> {
        sleep(fate.before).await;
        if fate.overtaken {
            let _ = timeout(OVERTAKEN_WITHIN, self.route.passed.notified()).await;
        }
        let goes = match fate.kind {
            Kind::CutBefore => false,
            Kind::Hangs { after_effect } | Kind::Answered { after_effect, .. } => after_effect,
            _ => true,
        };
        let mut answer = None;
        if goes {
            // A request that the network doubles waits nowhere for its first answer.
            let times = if matches!(fate.kind, Kind::Twice) { 2 } else { 1 };
            for _ in 0..times {
                let forwarded = self.forward(call, request).await;
                if forwarded.is_err() {
                    self.route.observer.answered(call, None);
                }
                answer = Some(forwarded?);
            }
        }
        sleep(fate.after).await;
        self.answer(call, answer, fate.kind).await
    }

    async fn answer(
        &mut self,
        call: &Call,
        answer: Option<Message>,
        kind: Kind,
    ) -> Result<(), Cut> {
        let observer = Arc::clone(&self.route.observer);
        let whole = match (&kind, &answer) {
            (Kind::Answered { with, .. }, _) => Some(with.clone()),
            (Kind::Passes | Kind::InPieces(_) | Kind::Twice, Some(answer)) => Some(answer.clone()),
            _ => None,
        };
        observer.answered(call, whole.as_ref());
        match (kind, whole) {
            (Kind::InPieces(pieces), Some(answer)) => {
                let bytes = answer.bytes();
                for piece in bytes.chunks(bytes.len().div_ceil(pieces).max(1)) {
                    self.to.write_all(piece).await?;
                    sleep(PIECE_AFTER).await;
                }
            }
            (_, Some(answer)) => self.to.write_all(&answer.bytes()).await?,
            (Kind::CutWithin, None) => {
                let bytes = answer.map(|answer| answer.bytes()).unwrap_or_default();
                self.to.write_all(&bytes[..bytes.len().saturating_sub(1) / 2]).await?;
                return Err(Cut);
            }
            (Kind::Hangs { .. }, None) => {
                let _ = timeout(HANG, self.from.fill_buf()).await;
                return Err(Cut);
            }
            (_, None) => return Err(Cut),
        }
        Ok(())
    }

    async fn forward(&mut self, call: &Call, request: &Message) -> Result<Message, Cut> {
        let route = Arc::clone(&self.route);
        let observer = &route.observer;
        if route.refused.iter().any(|text| contains(&request.body, text)) {
            let answer = Message::answer(400, &[], b"invalid_blocks");
            observer.effect(call, &observer.before(call), &answer);
            return Ok(answer);
        }
        // A receive may wait for long. It changes nothing that the order of the entries shows.
        let waits = observer.may_wait(call);
        let _alone = if waits { None } else { Some(route.at_server.lock().await) };
        let before = observer.before(call);
        let answer = self.exchange(request, waits).await?;
        observer.effect(call, &before, &answer);
        route.passed.notify_waiters();
        Ok(answer)
    }

    /// A server must not hand a message to a worker that is dead: where it may wait, the connection
    /// to it ends with that of the worker.
    async fn exchange(&mut self, request: &Message, waits: bool) -> Result<Message, Cut> {
        let server = match &mut self.server {
            Some(server) => server,
            None => {
                let stream = TcpStream::connect(self.route.server).await?;
                self.server.insert(BufReader::new(stream))
            }
        };
        server.write_all(&request.bytes()).await?;
        let answer = if waits {
            tokio::select! {
                biased;
                answer = wire::read(server) => answer?,
                _ = self.from.fill_buf() => return Err(Cut),
            }
        } else {
            wire::read(server).await?
        };
        answer.ok_or(Cut)
    }
}

fn contains(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|window| window == text.as_bytes())
}
