//! Splits a command line into words, with the quoting of a POSIX shell and `$'..'`.

use crate::capture::draft::Fault;

/// A word without its quotes, and its offset.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) at: usize,
    pub(super) bytes: Vec<u8>,
}

/// Splits the first command of the text into words.
pub(super) fn words(text: &[u8]) -> Result<Vec<Word>, Fault> {
    let mut reader = Reader { text, at: 0 };
    let mut words = Vec::new();
    while reader.skip_blanks() {
        let at = reader.at;
        match reader.word()? {
            Some(bytes) => words.push(Word { at, bytes }),
            None => break,
        }
    }
    Ok(words)
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at = self.at.saturating_add(1);
        Some(byte)
    }

    fn takes(&mut self, text: &[u8]) -> bool {
        let is_next = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(text));
        if is_next {
            self.at = self.at.saturating_add(text.len());
        }
        is_next
    }

    /// Skips a backslash at the end of a line, which joins it with the next one.
    fn takes_joint(&mut self) -> bool {
        self.takes(b"\\\r\n") || self.takes(b"\\\n")
    }

    /// Moves to the next word of the command, if there is one.
    fn skip_blanks(&mut self) -> bool {
        loop {
            if self.takes_joint() {
                continue;
            }
            match self.peek() {
                Some(b' ' | b'\t') => self.at = self.at.saturating_add(1),
                Some(b'\r' | b'\n' | b'#') | None => return false,
                Some(_) => return true,
            }
        }
    }

    /// Returns the next word. `None` at the end of the command.
    fn word(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let (start, mut word) = (self.at, Vec::new());
        while let Some(byte) = self.peek() {
            let at = self.at;
            if self.takes_joint() {
                continue;
            }
            match byte {
                b'|' | b';' | b'>' | b'&' if at == start => return Ok(None),
                b' ' | b'\t' | b'\r' | b'\n' | b'|' | b';' | b'>' => break,
                b'&' => return Err(Fault::new(at, "quotes around a word with `&`")),
                b'<' => return Err(Fault::new(at, "the data itself instead of a file")),
                b'\'' => self.single(&mut word)?,
                b'"' => self.double(&mut word)?,
                b'$' if self.takes(b"$'") => self.escaped(at, &mut word)?,
                b'$' | b'`' => return Err(no_expansion(at)),
                b'\\' => {
                    self.at = self.at.saturating_add(1);
                    word.extend(self.next());
                }
                _ => word.extend(self.next()),
            }
        }
        Ok(Some(word))
    }

    fn single(&mut self, word: &mut Vec<u8>) -> Result<(), Fault> {
        let open = self.at;
        self.at = self.at.saturating_add(1);
        loop {
            match self.next() {
                Some(b'\'') => return Ok(()),
                Some(byte) => word.push(byte),
                None => return Err(Fault::new(open, "a closing `'` for this one")),
            }
        }
    }

    fn double(&mut self, word: &mut Vec<u8>) -> Result<(), Fault> {
        let open = self.at;
        self.at = self.at.saturating_add(1);
        loop {
            if self.takes_joint() {
                continue;
            }
            let at = self.at;
            match self.next() {
                Some(b'"') => return Ok(()),
                Some(b'\\') => match self.next() {
                    Some(byte @ (b'"' | b'\\' | b'$' | b'`')) => word.push(byte),
                    Some(byte) => word.extend([b'\\', byte]),
                    None => return Err(Fault::new(open, "a closing `\"` for this one")),
                },
                Some(b'$') if !matches!(self.peek(), Some(b'"' | b' ') | None) => {
                    return Err(no_expansion(at));
                }
                Some(b'`') => return Err(no_expansion(at)),
                Some(byte) => word.push(byte),
                None => return Err(Fault::new(open, "a closing `\"` for this one")),
            }
        }
    }

    /// Reads the contents of `$'..'`, which browsers write.
    fn escaped(&mut self, open: usize, word: &mut Vec<u8>) -> Result<(), Fault> {
        loop {
            let at = self.at;
            match self.next() {
                Some(b'\'') => return Ok(()),
                Some(b'\\') => self.escape(at, word)?,
                Some(byte) => word.push(byte),
                None => return Err(Fault::new(open, "a closing `'` for this one")),
            }
        }
    }

    fn escape(&mut self, at: usize, word: &mut Vec<u8>) -> Result<(), Fault> {
        let byte = self.next().ok_or_else(|| Fault::new(at, "a letter after the backslash"))?;
        match byte {
            b'n' => word.push(b'\n'),
            b'r' => word.push(b'\r'),
            b't' => word.push(b'\t'),
            b'a' => word.push(7),
            b'b' => word.push(8),
            b'e' | b'E' => word.push(27),
            b'f' => word.push(12),
            b'v' => word.push(11),
            b'x' => {
                let code = self.number(16, 2).and_then(|code| u8::try_from(code).ok());
                word.push(code.ok_or_else(|| Fault::new(at, "hex digits after `\\x`"))?);
            }
            b'u' | b'U' => {
                let most = if byte == b'u' { 4 } else { 8 };
                let character = self.number(16, most).and_then(char::from_u32);
                let character = character
                    .ok_or_else(|| Fault::new(at, "the hex digits of a character after `\\u`"))?;
                word.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            b'0'..=b'7' => {
                self.at = self.at.saturating_sub(1);
                let code = self.number(8, 3).and_then(|code| u8::try_from(code).ok());
                word.push(code.ok_or_else(|| Fault::new(at, "an octal number below 400"))?);
            }
            b'\\' | b'\'' | b'"' | b'?' => word.push(byte),
            _ => word.extend([b'\\', byte]),
        }
        Ok(())
    }

    fn number(&mut self, radix: u32, most: usize) -> Option<u32> {
        let rest = self.text.get(self.at..)?;
        let digits = rest.iter().take(most).take_while(|byte| char::from(**byte).is_digit(radix));
        let digits = rest.get(..digits.count())?;
        self.at = self.at.saturating_add(digits.len());
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
    }
}

fn no_expansion(at: usize) -> Fault {
    Fault::new(at, "the value itself: a capture expands no `$` and no backticks")
}
