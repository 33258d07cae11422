//! TLS in a build that has none: connections are plain, and an address that asks for more is refused.

use std::{
    convert::Infallible,
    io,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    backend::address::{ServerAddress, Tls},
    error::{Error, Result},
};

/// Makes no connection encrypted.
#[derive(Debug, Clone)]
pub(crate) struct TlsConnector(Infallible);

impl TlsConnector {
    pub(crate) fn new(server: &ServerAddress) -> Result<Option<Self>> {
        match server.tls {
            Tls::Disabled | Tls::Allowed | Tls::Preferred => Ok(None),
            _ if server.socket.is_some() => Ok(None),
            Tls::Required | Tls::VerifyAuthority | Tls::VerifyFull => Err(Error::unsupported(
                "set up TLS: this program was built without it; add the feature `tls-ring` or `tls-aws-lc-rs` of \
                 estoult, or connect with `sslmode=disable`",
            )),
        }
    }

    pub(crate) async fn connect<S>(&self, _: S) -> io::Result<TlsStream<S>> {
        match self.0 {}
    }
}

/// An encrypted connection, of which there is none in this build.
#[derive(Debug)]
pub(crate) struct TlsStream<S>(Infallible, PhantomData<S>);

impl<S> TlsStream<S> {
    pub(crate) fn get_ref(&self) -> (&S, ()) {
        match self.0 {}
    }

    pub(crate) fn get_mut(&mut self) -> (&mut S, ()) {
        match self.0 {}
    }
}

/// What binds a login to this connection.
pub(crate) fn channel_binding<S>(stream: &TlsStream<S>) -> Option<Vec<u8>> {
    match stream.0 {}
}

impl<S: Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.0 {}
    }
}

impl<S: Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match self.0 {}
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0 {}
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0 {}
    }
}
