//! Bodies in the chunked transfer coding (RFC 9112 section 7.1).

/// Joins the chunks of a body. `None` if it is not chunked. Lines may end with LF, and trailers are
/// dropped.
pub(super) fn join(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut joined = Vec::new();
    loop {
        let (line, rest) = line(body)?;
        let size = line.split(|byte| *byte == b';').next()?.trim_ascii();
        let size = size_of(size)?;
        if size == 0 {
            return Some(joined);
        }
        let (chunk, rest) = rest.split_at_checked(size)?;
        joined.extend_from_slice(chunk);
        body = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n"))?;
    }
}

fn line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = text.split_at_checked(end)?;
    Some((line.strip_suffix(b"\r").unwrap_or(line), rest.get(1..)?))
}

fn size_of(digits: &[u8]) -> Option<usize> {
    let is_hex = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_hex)?;
    usize::from_str_radix(digits, 16).ok()
}
