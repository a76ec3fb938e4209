//! Test servers, each on a free loopback port.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use redis::{Cmd, FromRedisValue};

/// The promise: how soon the service works again after the server is back.
pub const RECOVERY: Duration = Duration::from_secs(10);

/// Writes each change to disk before answering.
pub const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// A Redis.
pub struct Server {
    pub port: u16,
    pub folder: PathBuf,
    program: Vec<String>,
    child: Option<Child>,
}

impl Server {
    /// A server whose data survives a restart. `None` if the program is not installed.
    pub fn start() -> Option<Self> {
        Self::start_with(&DURABLE)
    }

    /// A server with these settings, and without persistence.
    pub fn start_with(settings: &[&str]) -> Option<Self> {
        has("redis-server", "redis-server").then(|| Self::start_program("redis-server", settings))
    }

    /// The same with another program that takes the settings of a Redis.
    pub fn start_program(program: &str, settings: &[&str]) -> Self {
        let port = free_port();
        let mut program = vec![program.to_owned()];
        let own = ["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""];
        program.extend(own.iter().chain(settings).map(|it| (*it).to_owned()));
        Self::run_program(port, program)
    }

    /// Another program that listens on this port.
    pub fn run_program(port: u16, program: Vec<String>) -> Self {
        Self::run_program_with(port, program, |_| {})
    }

    /// The same in a folder with files.
    pub fn run_program_with(port: u16, program: Vec<String>, files: impl FnOnce(&Path)) -> Self {
        let folder = std::env::temp_dir().join(format!("tower-hmac-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        files(&folder);
        let mut server = Self { port, folder, program, child: None };
        server.run();
        server
    }

    pub fn run(&mut self) {
        let mut command = Command::new(&self.program[0]);
        command.args(&self.program[1..]).current_dir(&self.folder).stdout(Stdio::null());
        self.child = Some(command.spawn().unwrap());
        let deadline = Instant::now() + RECOVERY;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "{} does not listen", self.program[0]);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// The address with a user and a password.
    pub fn url_of(&self, user: &str) -> String {
        format!("redis://{user}@127.0.0.1:{}/", self.port)
    }

    /// Runs a command, such as `CONFIG SET maxmemory 1`, given as words.
    pub fn command<T: FromRedisValue>(&self, words: &str) -> T {
        let mut words = words.split(' ');
        let mut command = Cmd::new();
        command.arg(words.next().unwrap());
        for word in words {
            command.arg(word);
        }
        let client = redis::Client::open(self.url()).unwrap();
        command.query(&mut client.get_connection().unwrap()).unwrap()
    }

    /// Kills it without a clean shutdown.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Freezes it, and waits until it has stopped.
    pub fn freeze(&self) {
        self.signal("-STOP");
        let state = format!("/proc/{}/stat", self.child.as_ref().unwrap().id());
        while !std::fs::read_to_string(&state).unwrap().contains(" T ") {
            std::thread::yield_now();
        }
    }

    /// Makes it a replica of another server, and waits until it has all data.
    pub fn follow(&self, primary: &Self) {
        let _: () = self.command(&format!("REPLICAOF 127.0.0.1 {}", primary.port));
        let deadline = Instant::now() + RECOVERY;
        while !self.command::<String>("INFO replication").contains("master_link_status:up") {
            assert!(Instant::now() < deadline, "no replication");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Returns each port only once, and none of those that the system gives to clients: another test
/// could be given it before the server listens.
pub fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(std::process::id() % 200).unwrap() * 100;
    loop {
        let port = first + TAKEN.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Returns the path of a server that `scripts/peers` unpacked, or that is installed.
pub fn bundled(program: &str) -> Option<String> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers/servers/");
    let file = format!("{file}{program}");
    if Path::new(&file).exists() {
        return Some(file);
    }
    // Only this platform has binaries.
    if cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")) {
        return has(program, "scripts/peers").then(|| program.to_owned());
    }
    Command::new(program).arg("--version").output().is_ok().then(|| program.to_owned())
}

/// Returns whether a program is installed. A required program that is missing fails the test.
pub fn has(program: &str, package: &str) -> bool {
    let is_here = Command::new(program).arg("--version").output().is_ok()
        || Command::new(program).arg("-v").output().is_ok();
    if !is_here {
        assert!(
            std::env::var_os("TOWER_HMAC_REQUIRE_PEERS").is_none_or(|value| value != "1"),
            "{program} is not installed, and TOWER_HMAC_REQUIRE_PEERS asks for it"
        );
        eprintln!("skipped: {program} is not installed (Debian: {package})");
    }
    is_here
}
