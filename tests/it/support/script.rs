//! A scripted body, and a log of the order of events.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

/// The events, in order. Clones share them.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    pub fn note(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }

    pub fn taken(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

pub enum Step {
    Data(Bytes),
    Trailers(HeaderMap),
    Fail,
    /// Pending once, with an immediate wake-up.
    Wait,
    /// Always pending: the sender withholds the rest.
    Hang,
}

/// A scripted body. It counts how often it was polled.
#[derive(Default)]
pub struct Script {
    steps: VecDeque<Step>,
    polls: Arc<AtomicUsize>,
    hint: SizeHint,
    log: Log,
}

impl Script {
    pub fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), ..Self::default() }
    }

    /// One frame for each piece.
    pub fn pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self::of(pieces.into_iter().map(|piece| Step::Data(Bytes::copy_from_slice(piece))))
    }

    pub fn whole(data: impl Into<Bytes>) -> Self {
        Self::of([Step::Data(data.into())])
    }

    pub fn empty() -> Self {
        Self::default()
    }

    pub fn hanging() -> Self {
        Self::of([Step::Hang])
    }

    pub fn with_hint(mut self, hint: SizeHint) -> Self {
        self.hint = hint;
        self
    }

    pub fn with_log(mut self, log: &Log) -> Self {
        self.log = log.clone();
        self
    }

    pub fn polls(&self) -> Arc<AtomicUsize> {
        self.polls.clone()
    }
}

impl From<&[u8]> for Script {
    fn from(data: &[u8]) -> Self {
        Self::whole(Bytes::copy_from_slice(data))
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        self.log.note("body");
        match self.steps.pop_front() {
            None => Poll::Ready(None),
            Some(Step::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data)))),
            Some(Step::Trailers(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Some(Step::Fail) => Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
            Some(Step::Wait) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Step::Hang) => {
                self.steps.push_front(Step::Hang);
                Poll::Pending
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}
