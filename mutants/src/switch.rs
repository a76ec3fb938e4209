//! Writes a source file anew with its changes in it, each behind `crate::changed(number)`.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use proc_macro2::LineColumn;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr};

use crate::list::{Change, Genre, Place};

/// A source file and where its changes go.
pub struct File {
    text: String,
    /// By place; what holds another stands before it.
    edits: Vec<Edit>,
    /// Those for which the rewriting has a place.
    pub placed: HashSet<usize>,
    /// `||` beside `let`, which is no Rust.
    pub unparsable: HashSet<usize>,
    /// Those in a `const fn`, which may run while compiling only.
    pub constant: HashSet<usize>,
}

/// In the range stands one of these texts, or what stood there before.
struct Edit {
    range: Range<usize>,
    form: Form,
    texts: Vec<(usize, Vec<Piece>)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// At the start of a body.
    Return,
    /// After a pattern without a guard.
    Guard,
    /// Around an expression.
    Choice,
}

enum Piece {
    Source(Range<usize>),
    Text(String),
}

impl File {
    pub fn new(text: String, changes: &[(usize, &Change)]) -> syn::Result<Self> {
        let syntax = syn::parse_file(&text)?;
        let mut wanted = HashMap::<_, Vec<_>>::new();
        for (number, change) in changes {
            let entry = wanted.entry((change.genre, change.span.start)).or_default();
            entry.push((*number, change.replacement.clone()));
        }
        let mut finder = Finder { wanted, ..Finder::default() };
        finder.visit_file(&syntax);
        let Finder { mut edits, placed, unparsable, constant, .. } = finder;
        edits.sort_by_key(|edit| (edit.range.start, edit.form, Reverse(edit.range.end)));
        Ok(Self { text, edits, placed, unparsable, constant })
    }

    pub fn rendered(&self, dropped: &HashSet<usize>) -> String {
        let mut out = String::new();
        self.render(0..self.text.len(), 0, dropped, &mut out);
        out
    }

    fn render(
        &self,
        range: Range<usize>,
        first: usize,
        dropped: &HashSet<usize>,
        out: &mut String,
    ) {
        let mut at = range.start;
        for (index, edit) in self.edits.iter().enumerate().skip(first) {
            if edit.range.start < at || edit.range.end > range.end {
                continue;
            }
            out.push_str(&self.text[at..edit.range.start]);
            self.render_edit(index, dropped, out);
            at = edit.range.end;
        }
        out.push_str(&self.text[at..range.end]);
    }

    fn render_edit(&self, index: usize, dropped: &HashSet<usize>, out: &mut String) {
        let edit = &self.edits[index];
        let texts = || edit.texts.iter().filter(|(number, _)| !dropped.contains(number));
        if edit.form == Form::Choice {
            out.push('(');
        }
        for (number, pieces) in texts() {
            match edit.form {
                Form::Return => out.push_str(&format!("if crate::changed({number}) {{ return ")),
                Form::Guard => out.push_str(&format!("if !crate::changed({number}) ")),
                Form::Choice => out.push_str(&format!("if crate::changed({number}) {{ ")),
            }
            // The compiler's errors are held against these marks.
            out.push_str(&format!("/*<{number}*/ "));
            for piece in pieces {
                match piece {
                    Piece::Source(range) => self.render(range.clone(), index + 1, dropped, out),
                    Piece::Text(text) => out.push_str(text),
                }
            }
            out.push_str(&format!(" /*{number}>*/ "));
            match edit.form {
                Form::Return => out.push_str("; } "),
                Form::Guard => {}
                Form::Choice => out.push_str("} else "),
            }
        }
        if edit.form == Form::Choice {
            let any = texts().next().is_some();
            out.push_str(if any { "{ " } else { "" });
            self.render(edit.range.clone(), index + 1, dropped, out);
            out.push_str(if any { " })" } else { ")" });
        }
    }
}

#[derive(Default)]
struct Finder {
    wanted: HashMap<(Genre, Place), Vec<(usize, String)>>,
    edits: Vec<Edit>,
    placed: HashSet<usize>,
    unparsable: HashSet<usize>,
    constant: HashSet<usize>,
    in_const_fn: bool,
}

impl Finder {
    fn take(&mut self, genre: Genre, at: LineColumn) -> Vec<(usize, String)> {
        let place = Place { line: at.line, column: at.column + 1 };
        let taken = self.wanted.remove(&(genre, place)).unwrap_or_default();
        for (number, _) in &taken {
            self.placed.insert(*number);
            if self.in_const_fn {
                self.constant.insert(*number);
            }
        }
        taken
    }

    fn add(&mut self, range: Range<usize>, form: Form, texts: Vec<(usize, Vec<Piece>)>) {
        if !texts.is_empty() {
            self.edits.push(Edit { range, form, texts });
        }
    }

    fn body(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let outer = std::mem::replace(&mut self.in_const_fn, signature.constness.is_some());
        if let Some(first) = block.stmts.first() {
            let at = block.brace_token.span.open().byte_range().end;
            let texts = self.take(Genre::FnValue, first.span().start()).into_iter();
            let texts = texts.map(|(number, value)| (number, vec![Piece::Text(value)])).collect();
            self.add(at..at, Form::Return, texts);
        }
        self.visit_block(block);
        self.in_const_fn = outer;
    }
}

impl<'a> Visit<'a> for Finder {
    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.body(&item.sig, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        self.body(&item.sig, &item.block);
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.body(&item.sig, block);
        }
    }

    // What is only computed while compiling cannot be switched.
    fn visit_item_const(&mut self, _: &'a syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'a syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'a syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'a syn::TraitItemConst) {}
    fn visit_type(&mut self, _: &'a syn::Type) {}
    fn visit_expr_const(&mut self, _: &'a syn::ExprConst) {}
    fn visit_expr_repeat(&mut self, expr: &'a syn::ExprRepeat) {
        self.visit_expr(&expr.expr);
    }

    fn visit_expr_binary(&mut self, expr: &'a syn::ExprBinary) {
        let changes = self.take(Genre::BinaryOperator, expr.op.span().start());
        if matches!(expr.op, BinOp::And(_)) && (has_let(&expr.left) || has_let(&expr.right)) {
            self.unparsable.extend(changes.iter().map(|(number, _)| *number));
        } else {
            let [left, right] = [&expr.left, &expr.right].map(|side| side.span().byte_range());
            let texts = changes.into_iter().map(|(number, operator)| {
                let operator = Piece::Text(format!(" {operator} "));
                (number, vec![Piece::Source(left.clone()), operator, Piece::Source(right.clone())])
            });
            self.add(expr.span().byte_range(), Form::Choice, texts.collect());
        }
        visit::visit_expr_binary(self, expr);
    }

    fn visit_expr_unary(&mut self, expr: &'a syn::ExprUnary) {
        let changes = self.take(Genre::UnaryOperator, expr.op.span().start()).into_iter();
        let operand = expr.expr.span().byte_range();
        let texts = changes.map(|(number, _)| (number, vec![Piece::Source(operand.clone())]));
        self.add(expr.span().byte_range(), Form::Choice, texts.collect());
        visit::visit_expr_unary(self, expr);
    }

    fn visit_arm(&mut self, arm: &'a syn::Arm) {
        let deleted = self.take(Genre::MatchArm, arm.span().start()).into_iter();
        if let Some((_, guard)) = &arm.guard {
            let never = deleted.map(|(number, _)| (number, "false".to_owned()));
            let changed = self.take(Genre::MatchArmGuard, guard.span().start());
            let texts =
                never.chain(changed).map(|(number, text)| (number, vec![Piece::Text(text)]));
            let texts = texts.collect();
            self.add(guard.span().byte_range(), Form::Choice, texts);
        } else {
            let at = arm.fat_arrow_token.span().byte_range().start;
            let texts = deleted.map(|(number, _)| (number, Vec::new())).collect();
            self.add(at..at, Form::Guard, texts);
        }
        visit::visit_arm(self, arm);
    }

    fn visit_expr_struct(&mut self, expr: &'a syn::ExprStruct) {
        let whole = expr.span().byte_range();
        let mut texts = Vec::new();
        for pair in expr.fields.pairs() {
            let field = pair.span().byte_range();
            for (number, _) in self.take(Genre::StructField, pair.value().span().start()) {
                let rest = [whole.start..field.start, field.end..whole.end];
                texts.push((number, rest.map(Piece::Source).into()));
            }
        }
        self.add(whole, Form::Choice, texts);
        visit::visit_expr_struct(self, expr);
    }
}

fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(expr) if matches!(expr.op, BinOp::And(_)) => {
            has_let(&expr.left) || has_let(&expr.right)
        }
        _ => false,
    }
}
