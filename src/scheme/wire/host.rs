//! The host of a request.

use http::header::HOST;
use http::request::Parts;
use http::uri::{Authority, Scheme};

use crate::scheme::{ClaimError, wire};

/// Returns the host of a request, with its port, as it was sent.
///
/// This is the authority of the target (`:authority` over HTTP/2, or that of an absolute URI), or
/// else the only `Host`.
///
/// If a request has both, they must name the same host. Case and the default port make no
/// difference (RFC 9110 section 4.2.3), and the target's spelling is returned.
///
/// ```
/// use http::Request;
/// use tower_hmac::scheme::wire;
///
/// let by_header = Request::get("/").header("Host", "example.com:8080").body(())?;
/// assert_eq!(wire::host(&by_header.into_parts().0)?, "example.com:8080");
///
/// let by_target = Request::get("https://example.com/").body(())?;
/// assert_eq!(wire::host(&by_target.into_parts().0)?, "example.com");
///
/// let two = Request::get("https://example.com/").header("Host", "example.org").body(())?;
/// assert!(wire::host(&two.into_parts().0).is_err());
/// # Ok::<(), tower_hmac::BoxError>(())
/// ```
///
/// # Errors
///
/// Returns [`ClaimError::Malformed`] if there is no host, if there are two, or if the value is not
/// a host with an optional port.
pub fn host(head: &Parts) -> Result<&str, ClaimError> {
    let malformed = |why| Err(ClaimError::in_header(&HOST, why));
    let header = match wire::single(head, &HOST) {
        Err(ClaimError::Missing) => None,
        value => Some(wire::text(&HOST, value?)?),
    };
    let scheme = head.uri.scheme();
    let host = match (head.uri.authority().map(Authority::as_str), header) {
        (Some(target), Some(header)) if !is_same(target, header, scheme) => {
            return malformed("differs from the host of the target");
        }
        (Some(host), _) | (None, Some(host)) => host,
        (None, None) => return malformed("is missing, and the target has no host"),
    };
    if is_plain(host) {
        return Ok(host);
    }
    // A `/` in the host could pass for the start of the path.
    match Authority::try_from(host) {
        Ok(authority) if !host.contains('@') && !authority.host().is_empty() => Ok(host),
        _ => malformed("is not a host with an optional port"),
    }
}

/// Returns whether this is clearly a host with an optional port. Almost every host is, and then
/// needs no parser, which allocates.
fn is_plain(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "0"));
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    !name.is_empty()
        && name.bytes().all(is_name_byte)
        && matches!(port.len(), 1..=4)
        && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_same(one: &str, other: &str, scheme: Option<&Scheme>) -> bool {
    let port = match scheme {
        Some(scheme) if *scheme == Scheme::HTTP => ":80",
        Some(scheme) if *scheme == Scheme::HTTPS => ":443",
        _ => "",
    };
    let without_port = |host| str::strip_suffix(host, port).unwrap_or(host);
    without_port(one).eq_ignore_ascii_case(without_port(other))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(target: &str, hosts: &[&str]) -> Option<String> {
        let mut request = http::Request::get(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        host(&request.body(()).unwrap().into_parts().0).ok().map(Into::into)
    }

    #[test]
    fn target_and_header_with_different_hosts_are_rejected() {
        for (target, host) in [
            ("http://Example.com/", "example.COM"),
            ("http://example.com/", "example.com:80"),
            ("https://example.com:443/", "example.com"),
            ("http://[::1]:8080/", "[::1]:8080"),
        ] {
            let sent = target.trim_end_matches('/').rsplit_once("//").map(|(_, host)| host.into());
            assert_eq!(of(target, &[host]), sent);
        }
        for (target, host) in [
            ("http://example.com/", "example.com:443"),
            ("https://example.com/", "example.com:80"),
            ("http://example.com/", "example.com:8080"),
            ("http://example.com/", "example.com."),
            ("http://example.com/", ""),
        ] {
            assert_eq!(of(target, &[host]), None, "{target} {host}");
        }
    }

    #[test]
    fn invalid_host_is_rejected() {
        for host in ["", "a/b", "user@example.com", "a b", "a?b", ":80", "a,b/"] {
            assert_eq!(of("/", &[host]), None, "{host}");
        }
        assert_eq!(of("/", &[]), None);
        assert_eq!(of("/", &["example.com", "example.com"]), None);
        assert_eq!(of("/", &["example.com"]).as_deref(), Some("example.com"));
    }
}
