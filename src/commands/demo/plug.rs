//! A listener whose handlers can cut the connection instead of answering, like a crashing proxy.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Cuts one connection: after a pull, no further byte is written to it.
#[derive(Clone, Default)]
pub struct Plug(Arc<AtomicBool>);

impl Plug {
    pub fn pull(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn check(&self) -> io::Result<()> {
        match self.0.load(Ordering::SeqCst) {
            true => Err(io::ErrorKind::BrokenPipe.into()),
            false => Ok(()),
        }
    }
}

impl Connected<IncomingStream<'_, PluggedListener>> for Plug {
    fn connect_info(stream: IncomingStream<'_, PluggedListener>) -> Plug {
        stream.io().plug.clone()
    }
}

/// A TCP listener whose connections each have a plug. A handler gets the plug as its connect info.
pub struct PluggedListener(pub TcpListener);

impl Listener for PluggedListener {
    type Io = PluggedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (PluggedStream, SocketAddr) {
        let (stream, peer) = Listener::accept(&mut self.0).await;
        (PluggedStream { stream, plug: Plug::default() }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection that stops writing when its plug is pulled.
pub struct PluggedStream {
    stream: TcpStream,
    plug: Plug,
}

impl AsyncRead for PluggedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for PluggedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.plug.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.plug.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
