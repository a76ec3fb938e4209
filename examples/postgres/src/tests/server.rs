//! A PostgreSQL in a temporary folder.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio_postgres::{Client, NoTls};

pub struct Server {
    port: u16,
    folder: PathBuf,
    child: Option<Child>,
}

impl Server {
    /// Makes a database with the table, without a server yet. `None` if PostgreSQL is not
    /// installed.
    pub fn new() -> Option<Self> {
        let Some(initdb) = program("initdb") else {
            let is_required = std::env::var("TOWER_HMAC_REQUIRE_PEERS").is_ok_and(|it| it == "1");
            assert!(!is_required, "PostgreSQL is not installed (Debian: postgresql)");
            eprintln!("skipped: PostgreSQL is not installed (Debian: postgresql)");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = std::env::temp_dir().join(format!("tower-hmac-postgres-{port}"));
        std::fs::create_dir(&folder).unwrap();
        if let Some(user) = user() {
            chown(&folder, Some(user), Some(user)).unwrap();
        }
        let server = Self { port, folder, child: None };
        let mut command = server.command(initdb);
        command.args(["--no-sync", "--auth=trust", "--username=keys", "--pgdata=."]);
        assert!(command.stdout(Stdio::null()).status().unwrap().success());
        Some(server)
    }

    pub fn url(&self) -> String {
        format!("postgres://keys@127.0.0.1:{}/postgres", self.port)
    }

    /// Waits until the server answers.
    pub async fn run(&mut self) -> Client {
        let mut command = self.command(program("postgres").unwrap());
        command.args(["-D", ".", "-p", &self.port.to_string(), "-h", "127.0.0.1", "-k", ""]);
        command.args(["-F", "-c", "max_connections=40"]).stderr(Stdio::null());
        self.child = Some(command.spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Ok(client) = self.connect().await {
                let schema = include_str!("../../schema.sql");
                if client.query("SELECT 1 FROM hmac_keys LIMIT 1", &[]).await.is_err() {
                    client.batch_execute(schema).await.unwrap();
                }
                return client;
            }
            assert!(Instant::now() < deadline, "PostgreSQL does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Stops the server immediately, with all its connections.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let id = child.id().to_string();
            assert!(Command::new("kill").args(["-QUIT", &id]).status().unwrap().success());
            child.wait().unwrap();
            assert!(TcpStream::connect(("127.0.0.1", self.port)).is_err());
        }
    }

    /// PostgreSQL does not run as root.
    fn command(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder);
        if let Some(user) = user() {
            command.uid(user).gid(user);
        }
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn program(name: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let paths = versions.map(|version| version.unwrap().path().join("bin").join(name));
    paths.filter(|path| path.exists()).max()
}

/// The user of Debian's package, if this is root.
fn user() -> Option<u32> {
    let id = |of: &[&str]| {
        let output = Command::new("id").arg("-u").args(of).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse::<u32>().ok()
    };
    if id(&[]) == Some(0) { id(&["postgres"]) } else { None }
}
