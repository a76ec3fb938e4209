//! Text made from a JSON body, for schemes that cover some of its members.

mod json_members;
mod json_strings;
mod json_text;

pub use json_strings::JsonStrings;
pub use json_text::JsonText;
