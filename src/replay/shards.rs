//! The links of a store: one to a server, or one for each part of a cluster's key space.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;

use crate::replay::failure::Failure;
use crate::replay::link::Link;
use crate::replay::server::Greeting;
use crate::replay::source::Source;

/// One or more links. Each has its own keys, and fails independently.
pub(crate) struct Shards<G: Greeting> {
    first: Link<G>,
    others: Arc<[Link<G>]>,
}

impl<G: Greeting> Clone for Shards<G> {
    fn clone(&self) -> Self {
        Self { first: self.first.clone(), others: self.others.clone() }
    }
}

impl<G: Greeting> Shards<G> {
    /// Makes the greeting of each link from its hash tag, which is empty for a server.
    pub(crate) fn new(source: &Source, greeting: impl Fn(&'static str) -> G) -> Self {
        let link = |tag| Link::new(source.clone(), greeting(tag));
        let (first, others) = source.tags().split_first().map_or(("", &[][..]), |(f, o)| (*f, o));
        Self { first: link(first), others: others.iter().map(|tag| link(tag)).collect() }
    }

    /// Returns the link for a key, which is a hash.
    pub(crate) fn of(&self, key: &[u8; 32]) -> &Link<G> {
        let [byte, ..] = *key;
        let len = self.others.len().saturating_add(1);
        let place = usize::from(byte).checked_rem(len).unwrap_or(0);
        self.others.get(place).unwrap_or(&self.first)
    }

    /// Returns the greeting of one link. Those of the others differ only in their hash tags.
    pub(crate) fn greeting(&self) -> &G {
        self.first.greeting()
    }

    /// Returns separate connections with other greetings.
    pub(crate) fn with_greeting(&self, change: impl Fn(G) -> G) -> Self
    where
        G: Clone,
    {
        let link = |link: &Link<G>| link.with_greeting(change(link.greeting().clone()));
        Self { first: link(&self.first), others: self.others.iter().map(link).collect() }
    }

    /// Connects all of them, and waits until they are connected or one has failed.
    pub(crate) async fn connect(&self, most: Duration) -> Result<(), Failure> {
        try_join_all(self.iter().map(|link| link.connect(most))).await.map(drop)
    }

    /// Sets the time of all links.
    pub(crate) fn tell(&self, now: i64, most: Duration) {
        self.iter().for_each(|link| link.tell(now, most));
    }

    fn iter(&self) -> impl Iterator<Item = &Link<G>> {
        std::iter::once(&self.first).chain(self.others.iter())
    }
}
