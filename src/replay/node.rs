//! The address in the error reply `MOVED`.

use std::fmt;

use ::redis::{Client, ConnectionAddr};

/// The node that has a key, according to another node. Not shown, because the server chose the
/// text.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// Empty for the same host as the node that answered.
    host: String,
    port: u16,
}

impl Node {
    /// Reads the details of `MOVED`: the slot, and the address.
    pub(crate) fn parse(details: &str) -> Option<Self> {
        let (_, address) = details.split_once(' ')?;
        let (host, port) = address.rsplit_once(':')?;
        Some(Self { host: host.to_owned(), port: port.parse().ok()? })
    }

    /// Makes a client with the settings of another one.
    pub(crate) fn client(&self, other: &Client) -> Option<Client> {
        let host = |known: &String| {
            if self.host.is_empty() { known.clone() } else { self.host.clone() }
        };
        let info = other.get_connection_info().clone();
        let address = match info.addr() {
            ConnectionAddr::TcpTls { host: known, insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls {
                    host: host(known),
                    port: self.port,
                    insecure: *insecure,
                    tls_params: tls_params.clone(),
                }
            }
            ConnectionAddr::Tcp(known, _) => ConnectionAddr::Tcp(host(known), self.port),
            _ => return None,
        };
        Client::open(info.set_addr(address)).ok()
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Node(..)")
    }
}
