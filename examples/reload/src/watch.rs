//! Reloads a file of keys when it changes.

use std::path::{Path, PathBuf};
use std::sync::mpsc;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tower_hmac::BoxError;
use tower_hmac::key::SharedKeys;

use crate::keys;

/// Watches until the watcher is dropped.
///
/// Watches the *directory*, and reacts to every change in it. A mounted secret is a link to a file
/// in a linked directory, and changes by swapping that directory. The file itself is never written,
/// and its name never occurs. Editors also replace the old file with a new one.
///
/// # Errors
///
/// Returns an error if the directory cannot be watched.
pub fn reload_on_change(path: PathBuf, keys: SharedKeys) -> Result<RecommendedWatcher, BoxError> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let (changed, changes) = mpsc::channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // Reading the file is an event as well, and must not cause another reload.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = changed.send(());
        }
    })?;
    watcher.watch(&directory, RecursiveMode::NonRecursive)?;
    // Reload once: changes between the first read and now were missed.
    reload(&path, &keys);
    std::thread::spawn(move || {
        // The loop ends with the watcher.
        while changes.recv().is_ok() {
            // A change causes several events: read once for all queued ones.
            while changes.try_recv().is_ok() {}
            reload(&path, &keys);
        }
    });
    Ok(watcher)
}

fn reload(path: &Path, keys: &SharedKeys) {
    let reloaded = keys::load(path).and_then(|map| Ok(keys.replace(map)?));
    match reloaded {
        Ok(()) => tracing::info!(path = %path.display(), "the keys were read"),
        Err(error) => tracing::warn!(
            path = %path.display(),
            error = &*error as &dyn std::error::Error,
            "the old keys stay in force"
        ),
    }
}
