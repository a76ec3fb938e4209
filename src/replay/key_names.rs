//! The names of a store's keys in a Redis.

use std::sync::Arc;

/// A prefix for the kind of store, the hash tag of a part of a cluster, and the service's namespace.
#[derive(Clone, Debug)]
pub(crate) struct KeyNames {
    prefix: &'static str,
    /// Empty without a cluster.
    tag: &'static str,
    /// Comes after the hash tag, so that braces in it mean nothing.
    namespace: Arc<str>,
}

impl KeyNames {
    pub(crate) fn new(prefix: &'static str, tag: &'static str) -> Self {
        Self { prefix, tag, namespace: "".into() }
    }

    /// Returns the name of a key in the server.
    pub(crate) fn name(&self, key: &str) -> String {
        let Self { prefix, tag, namespace } = self;
        format!("{prefix}{tag}{namespace}{key}")
    }

    /// Returns the same names in the namespace of a service. It ends in a colon unless it is empty.
    pub(crate) fn in_namespace(self, namespace: &Arc<str>) -> Self {
        Self { namespace: namespace.clone(), ..self }
    }

    /// Returns the namespace, which the names of all parts of a cluster share.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }
}
