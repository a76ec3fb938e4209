//! The changes, as `cargo mutants --list --json` gives them.

use serde::Deserialize;

#[derive(Deserialize)]
pub struct Change {
    pub file: String,
    pub name: String,
    pub genre: Genre,
    pub replacement: String,
    pub span: Span,
    pub function: Option<Function>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash)]
pub enum Genre {
    FnValue,
    BinaryOperator,
    UnaryOperator,
    MatchArm,
    MatchArmGuard,
    StructField,
}

#[derive(Deserialize)]
pub struct Span {
    pub start: Place,
}

/// Counted from one, in characters.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, Hash)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

#[derive(Deserialize)]
pub struct Function {
    pub return_type: String,
}

impl Change {
    /// `impl Trait` is one type for the whole function, so that a value of another type cannot stand
    /// beside the real one.
    pub fn needs_own_build(&self) -> bool {
        self.genre == Genre::FnValue
            && self.function.as_ref().is_some_and(|function| function.return_type.contains("impl "))
    }
}
