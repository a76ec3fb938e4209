use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tower_hmac::KeyId;
use tower_hmac::key::SharedKeys;
use tracing_subscriber::fmt::MakeWriter;

use crate::{keys, watch};

/// A temporary directory for each test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("reload-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn key(keys: &SharedKeys) -> Vec<u8> {
    let id = KeyId::new("aservice").unwrap();
    let current = keys.current();
    current.get(Some(&id)).unwrap().iter().next().unwrap().key().expose_secret().to_vec()
}

/// Waits until the condition is true.
#[track_caller]
fn see(what: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !what() {
        assert!(Instant::now() < deadline, "it did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn started(path: &Path) -> (SharedKeys, impl Sized) {
    let keys = SharedKeys::new(keys::load(path).unwrap()).unwrap();
    let watcher = watch::reload_on_change(path.to_owned(), keys.clone()).unwrap();
    (keys, watcher)
}

#[test]
fn a_file_that_is_written_or_replaced_is_read() {
    let folder = Folder::new("replaced");
    let path = folder.0.join("keys.toml");
    std::fs::write(&path, "aservice = 'one'").unwrap();
    let (keys, _watcher) = started(&path);
    assert_eq!(key(&keys), b"one");
    std::fs::write(&path, "aservice = ['two', 'one']").unwrap();
    see(|| key(&keys) == b"two");
    std::fs::write(folder.0.join("new"), "aservice = 'three'").unwrap();
    std::fs::rename(folder.0.join("new"), &path).unwrap();
    see(|| key(&keys) == b"three");
}

/// The layout of a mounted Kubernetes secret: `keys.json -> ..data/keys.json`, `..data -> ..first`.
/// A change only swaps `..data`.
#[test]
fn a_mounted_secret_that_is_swapped_is_read() {
    let folder = Folder::new("mounted");
    let mount = |version: &str, text: &str| {
        std::fs::create_dir(folder.0.join(version)).unwrap();
        std::fs::write(folder.0.join(version).join("keys.json"), text).unwrap();
        symlink(version, folder.0.join("..data_tmp")).unwrap();
        std::fs::rename(folder.0.join("..data_tmp"), folder.0.join("..data")).unwrap();
    };
    mount("..first", r#"{"aservice": "one"}"#);
    let path = folder.0.join("keys.json");
    symlink("..data/keys.json", &path).unwrap();
    let (keys, _watcher) = started(&path);
    assert_eq!(key(&keys), b"one");
    mount("..second", r#"{"aservice": "two"}"#);
    see(|| key(&keys) == b"two");
    std::fs::remove_dir_all(folder.0.join("..first")).unwrap();
    mount("..third", r#"{"aservice": "three"}"#);
    see(|| key(&keys) == b"three");
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn a_bad_file_keeps_the_old_keys_and_is_reported_without_its_text() {
    let log = Log::default();
    // Set the subscriber for all threads: the watcher runs on its own thread.
    tracing_subscriber::fmt().with_writer(log.clone()).init();
    let text = || String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let rejections = || text().matches("the old keys stay in force").count();
    let folder = Folder::new("bad");
    let path = folder.0.join("keys.json");
    std::fs::write(&path, r#"{"aservice": "one"}"#).unwrap();
    let (keys, _watcher) = started(&path);
    let bad = [
        r#"{"aservice": "sup3rs3cret""#,
        r#"["sup3rs3cret"]"#,
        r#""sup3rs3cret""#,
        r#"{"aservice": {"key": "sup3rs3cret"}}"#,
        r#"{"aservice": "sup3rs3cret", "aservice": "another"}"#,
        r#"{"": "sup3rs3cret"}"#,
        r#"{"aservice": "sup3rs3cret", "bservice": ""}"#,
        r#"{"aservice": []}"#,
        "{}",
        "",
    ];
    for file in bad {
        let before = rejections();
        std::fs::write(&path, file).unwrap();
        see(|| rejections() > before);
        let error = keys::load(&path).unwrap_err().to_string();
        assert!(!error.contains("sup3rs3cret"), "{error}");
        assert_eq!(key(&keys), b"one", "{file}");
    }
    let before = rejections();
    std::fs::remove_file(&path).unwrap();
    see(|| rejections() > before);
    assert_eq!(key(&keys), b"one");
    assert!(!text().contains("sup3rs3cret"), "{}", text());

    std::fs::write(&path, r#"{"aservice": "two"}"#).unwrap();
    see(|| key(&keys) == b"two");
}
