//! [`Wire`]: messages from and to the server. What is not sent yet, what has arrived, and how many answers are owed are
//! kept here, so that a future that is dropped half way loses none of it.
//!
//! Invariant: it reads while it writes; a server that waits for its answers to be read would else never read the rest.
//! Source of the message formats: "Message Formats" in PostgreSQL's manual.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    ops::Range,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, BytesMut};
use postgres_protocol::message::frontend;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{answer::Answer, notice, stream::Stream};
use crate::{
    backend::{Notification, TransactionStatus},
    value::Datum,
};

/// How much is read at once at first, and at most.
const READ_FIRST: usize = 16 * 1024;
const READ_MOST: usize = 256 * 1024;
/// How much room there is at least before the socket is read.
const ROOM: usize = 4 * 1024;
/// The bytes of a message before its body: its tag and its length.
const HEADER: usize = 5;
/// The server sends no longer message than this ("MaxAllocSize" in its source).
const LONGEST: usize = 0x3fff_ffff;

/// A message of the server; its body lies in [`Wire::body`] until the next read.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) tag: u8,
    pub(super) body: Range<usize>,
}

pub(super) struct Wire {
    pub(super) stream: Stream,
    /// What is still to be sent.
    pub(super) out: BytesMut,
    /// Whether an encrypted stream still holds bytes that were written to it.
    has_unflushed: bool,
    input: Input,
    /// How many times the server still has to say that it is ready.
    pub(super) owed: usize,
    /// What it said last.
    pub(super) status: TransactionStatus,
    /// Whether a unit was begun whose Sync is not queued yet: that of a COPY.
    has_open_unit: bool,
    /// What has to be sent when the server waits for the data of a COPY, of which there are none.
    copy_end: CopyEnd,
    is_lost: bool,
    pub(super) notifications: VecDeque<Notification>,
    /// Notices that are not reported yet.
    notices: Vec<Answer>,
}

/// How a unit ends whose COPY gets no data. One Sync too many would be answered, and that taken for the end of the next
/// unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CopyEnd {
    /// The server passes over the Sync behind the statement, so another one ends the unit.
    FailAndSync,
    /// A script ends by itself.
    Fail,
    /// Both were sent before the server asked for the data.
    Sent,
}

/// What has arrived: the bytes from `start` to `end`.
struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Wire {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            out: BytesMut::new(),
            has_unflushed: false,
            input: Input {
                bytes: vec![0; READ_FIRST],
                start: 0,
                end: 0,
            },
            owed: 0,
            status: TransactionStatus::Idle,
            has_open_unit: false,
            copy_end: CopyEnd::FailAndSync,
            is_lost: false,
            notifications: VecDeque::new(),
            notices: Vec::new(),
        }
    }

    /// Whether the connection was lost, or can't be understood any more.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Gives the connection up.
    pub(super) fn give_up(&mut self) {
        self.is_lost = true;
    }

    /// Ends a unit of statements: the server answers it by saying that it is ready.
    pub(super) fn queue_sync(&mut self) {
        frontend::sync(&mut self.out);
        self.owed += 1;
    }

    /// Begins a unit whose Sync follows later, and asks the server for its answers so far.
    pub(super) fn open_unit(&mut self) {
        frontend::flush(&mut self.out);
        self.open_unit_unflushed();
    }

    /// Begins a unit whose Sync follows later.
    pub(super) fn open_unit_unflushed(&mut self) {
        self.has_open_unit = true;
        self.owed += 1;
    }

    /// Ends the unit that was left open; if it sent data, their end is queued before.
    pub(super) fn close_unit(&mut self) {
        frontend::sync(&mut self.out);
        self.has_open_unit = false;
        self.copy_end = CopyEnd::Sent;
    }

    /// Ends a unit that its caller has abandoned: a server that waits for data gets to know that none come.
    pub(super) fn abandon_unit(&mut self) -> io::Result<()> {
        if self.has_open_unit {
            frontend::copy_fail("the statement was abandoned", &mut self.out)?;
            self.close_unit();
        }
        Ok(())
    }

    /// A script, which the server answers like a unit.
    pub(super) fn queue_script(&mut self, script: &str) -> io::Result<()> {
        let length = self.out.len();
        frontend::query(script, &mut self.out).inspect_err(|_| self.out.truncate(length))?;
        self.copy_end = CopyEnd::Fail;
        self.owed += 1;
        Ok(())
    }

    /// Tells a server that waits for the data of a COPY that there are none. It has passed over the Syncs of all units
    /// behind it, so that their answers can't be told apart.
    pub(super) fn refuse_copy_in(&mut self, reason: &str) -> io::Result<()> {
        if self.copy_end == CopyEnd::FailAndSync && self.owed > 1 {
            self.is_lost = true;
            return Err(io::Error::other(
                "a COPY took the statements behind it for its data",
            ));
        }
        if self.copy_end != CopyEnd::Sent {
            frontend::copy_fail(reason, &mut self.out)?;
        }
        if self.copy_end == CopyEnd::FailAndSync {
            frontend::sync(&mut self.out);
        }
        Ok(())
    }

    /// The body of a message.
    pub(super) fn body(&self, message: &Message) -> &[u8] {
        &self.input.bytes[message.body.clone()]
    }

    /// The next message. Notices, parameters and notifications are taken care of here.
    pub(super) async fn next(&mut self) -> io::Result<Message> {
        loop {
            let message = self.buffered()?;
            self.report_notices(&[]);
            if let Some(message) = message {
                return Ok(message);
            }
            self.fill().await?;
        }
    }

    /// Reports the notices that have arrived, to a statement with these values.
    #[inline]
    pub(super) fn report_notices(&mut self, values: &[Datum]) {
        for notice in self.notices.drain(..) {
            notice::report(&notice, values);
        }
    }

    /// Reports the notices of a statement whose values are gone: without their words, which may quote them.
    pub(super) fn report_abandoned_notices(&mut self) {
        for notice in self.notices.drain(..) {
            notice::report_code(&notice);
        }
    }

    /// Whether all that was queued was given to the network.
    pub(super) fn is_sent(&self) -> bool {
        self.out.is_empty() && !self.has_unflushed
    }

    /// Gives back the memory that a large answer took.
    pub(super) fn shrink(&mut self) {
        self.input.shrink();
    }

    /// Whether something has arrived that was not read yet.
    pub(super) fn has_buffered(&self) -> bool {
        self.input.start < self.input.end
    }

    /// The next message that has arrived as a whole.
    #[inline]
    pub(super) fn buffered(&mut self) -> io::Result<Option<Message>> {
        if self.is_lost {
            return Err(io::Error::other("it was lost before"));
        }
        while let Some(message) = self.input.message().inspect_err(|_| self.is_lost = true)? {
            match message.tag {
                b'D' => return Ok(Some(message)),
                b'Z' => {
                    self.ready(&message)?;
                    return Ok(Some(message));
                }
                b'N' | b'S' | b'A' => self.note(&message),
                _ => return Ok(Some(message)),
            }
        }
        Ok(None)
    }

    fn ready(&mut self, message: &Message) -> io::Result<()> {
        let status = match self.body(message) {
            [b'I'] => TransactionStatus::Idle,
            [b'T'] => TransactionStatus::Open,
            [b'E'] => TransactionStatus::Failed,
            _ => return Err(self.garbled("a state of the transaction that is not known")),
        };
        let Some(owed) = self.owed.checked_sub(1) else {
            return Err(self.garbled("an answer to nothing"));
        };
        (self.owed, self.status) = (owed, status);
        // The question for columns may have been answered, and not yet the unit behind it.
        if owed == 0 {
            self.copy_end = CopyEnd::FailAndSync;
        }
        Ok(())
    }

    /// Takes care of a message that belongs to no statement.
    #[cold]
    fn note(&mut self, message: &Message) {
        let body = self.body(message);
        match message.tag {
            b'N' => {
                let notice = Answer::read(body);
                self.notices.push(notice);
            }
            b'A' => self.notifications.extend(notification(body)),
            // A parameter: nothing here depends on one.
            _ => {}
        }
    }

    /// The error for an answer that this protocol does not have; the connection is not used again.
    pub(super) fn garbled(&mut self, what: &str) -> io::Error {
        self.is_lost = true;
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "the server sent {what}; it may not be PostgreSQL, or something on the way changes what it sends"
            ),
        )
    }

    /// Sends what is queued, and reads until something has arrived.
    pub(super) async fn fill(&mut self) -> io::Result<()> {
        poll_fn(|context| self.poll_fill(context)).await
    }

    /// Sends what is queued, and reads what arrives meanwhile.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        while !self.is_sent() {
            let sent = poll_fn(|context| match self.poll_send(context) {
                Poll::Ready(sent) => Poll::Ready(sent),
                Poll::Pending => self.poll_receive(context),
            })
            .await;
            sent.inspect_err(|_| self.is_lost = true)?;
        }
        Ok(())
    }

    /// See [`Self::fill`].
    pub(super) fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let filled = match self.poll_send(context) {
            // The server may have said why it closes the connection before it did.
            Poll::Ready(Err(error)) => match self.poll_receive(context) {
                Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
                Poll::Ready(Err(_)) | Poll::Pending => Poll::Ready(Err(error)),
            },
            Poll::Ready(Ok(())) | Poll::Pending => self.poll_receive(context),
        };
        self.is_lost |= matches!(filled, Poll::Ready(Err(_)));
        filled
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_sent() {
            return Poll::Ready(Ok(()));
        }
        while !self.out.is_empty() {
            let stream = Pin::new(&mut self.stream);
            self.has_unflushed = true;
            match std::task::ready!(stream.poll_write(context, &self.out))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => self.out.advance(sent),
            }
        }
        // A large statement must not keep its memory for the life of the connection.
        if self.out.capacity() > READ_MOST {
            self.out = BytesMut::new();
        }
        // What was written may lie encrypted in the stream until the socket takes it.
        std::task::ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.has_unflushed = false;
        Poll::Ready(Ok(()))
    }

    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.input.make_room();
        let mut buffer = ReadBuf::new(&mut self.input.bytes[self.input.end..]);
        std::task::ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        let read = buffer.filled().len();
        if read == 0 {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the server closed the connection",
            )));
        }
        self.input.end += read;
        Poll::Ready(Ok(()))
    }
}

impl Input {
    fn message(&mut self) -> io::Result<Option<Message>> {
        let Some(header) = self.bytes[self.start..self.end].first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let [tag, a, b, c, d] = *header;
        // The length counts itself, but not the tag.
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if !(4..=LONGEST).contains(&length) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the server sent a message of {length} bytes; it may not be PostgreSQL"),
            ));
        }
        let end = self.start + 1 + length;
        if end > self.end {
            return Ok(None);
        }
        let body = self.start + HEADER..end;
        self.start = end;
        Ok(Some(Message { tag, body }))
    }

    /// Begins at the front again when all was taken, with less memory if it was much.
    fn shrink(&mut self) {
        if self.start < self.end {
            return;
        }
        (self.start, self.end) = (0, 0);
        if self.bytes.len() > READ_MOST {
            self.bytes = vec![0; READ_FIRST];
        }
    }

    /// Makes room for the next read: moves an incomplete message to the front, and grows when it needs more. It never
    /// grows to a length that a message only announces.
    fn make_room(&mut self) {
        if self.start == self.end {
            self.shrink();
        } else if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let is_full = self.bytes.len() - self.end < ROOM;
        if is_full {
            let length = self.bytes.len() * 2;
            self.bytes.resize(length, 0);
        }
    }
}

/// "NotificationResponse": the process, the channel and the payload.
fn notification(body: &[u8]) -> Option<Notification> {
    let (process, rest) = body.split_first_chunk::<4>()?;
    let mut texts = rest.split(|byte| *byte == 0);
    let mut text = || Some(String::from_utf8_lossy(texts.next()?).into_owned());
    let (channel, payload) = (text()?, text()?);
    Some(Notification::new(
        channel,
        payload,
        u32::from_be_bytes(*process),
    ))
}

#[cfg(test)]
mod tests {
    use super::{Input, READ_FIRST, READ_MOST};

    fn input(bytes: &[u8]) -> Input {
        let mut input = Input {
            bytes: vec![0; READ_FIRST],
            start: 0,
            end: bytes.len(),
        };
        input.bytes[..bytes.len()].copy_from_slice(bytes);
        input
    }

    #[test]
    fn a_message_is_taken_when_all_of_it_is_there() {
        let mut input = input(&[b'C', 0, 0, 0, 6, 1, 2, b'Z', 0, 0]);
        let first = input.message().unwrap().unwrap();
        assert_eq!((first.tag, &input.bytes[first.body]), (b'C', &[1, 2][..]));
        assert!(input.message().unwrap().is_none());
        input.make_room();
        assert_eq!((input.start, input.end), (0, 3));
    }

    #[test]
    fn lengths_that_no_message_has_are_refused() {
        for length in [0_u32, 3, 0x4000_0000, u32::MAX] {
            let mut bytes = vec![b'D'];
            bytes.extend(length.to_be_bytes());
            input(&bytes).message().unwrap_err();
        }
    }

    #[test]
    fn a_large_answer_leaves_no_memory_behind() {
        let mut input = input(&[]);
        input.bytes.resize(READ_MOST + 1, 0);
        (input.start, input.end) = (1, 2);
        input.shrink();
        assert_eq!(input.bytes.len(), READ_MOST + 1);
        input.start = 2;
        input.shrink();
        assert_eq!((input.bytes.len(), input.end), (READ_FIRST, 0));
    }

    #[test]
    fn an_announced_length_takes_no_memory() {
        let mut input = input(&[b'D', 0x3f, 0xff, 0xff, 0xff, 0]);
        assert!(input.message().unwrap().is_none());
        input.make_room();
        assert_eq!(input.bytes.len(), READ_FIRST);
    }
}
