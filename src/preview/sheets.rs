//! Tables as they are gathered from spreadsheets.

use super::limits::Limits;
use super::model::{Body, Draft, Sheet};
use super::safe::{self, Bounded};

/// Cells of one row.
pub(super) const COLUMNS: usize = 256;

/// Sheets, rows and cells, within bounds.
pub(super) struct TableSink {
    sheets: Vec<Sheet>,
    row: Vec<String>,
    words: Bounded,
    row_count: usize,
    len: usize,
    max_rows: usize,
    max_len: usize,
    partial: bool,
}

impl TableSink {
    pub(super) fn new(limits: &Limits) -> TableSink {
        TableSink {
            sheets: Vec::new(),
            row: Vec::new(),
            words: Bounded::new(limits.text_len),
            row_count: 0,
            len: 0,
            max_rows: limits.entries,
            max_len: limits.body_len,
            partial: false,
        }
    }

    pub(super) fn sheet(&mut self, name: &str) {
        self.row();
        self.sheets.push(Sheet { name: safe::line(name), rows: Vec::new() });
    }

    pub(super) fn cell(&mut self, column: usize, text: &str) {
        if column >= COLUMNS || self.is_full() {
            self.partial |= !text.is_empty();
            return;
        }
        if text.is_empty() {
            return;
        }
        let text = safe::line(text);
        // an empty cell costs memory as well
        self.len += text.len() + (column + 1).saturating_sub(self.row.len()) * 8;
        if self.row.len() <= column {
            self.row.resize(column + 1, String::new());
        }
        self.row[column] = text;
    }

    pub(super) fn row(&mut self) {
        if self.row.is_empty() || self.is_full() {
            return;
        }
        self.words.line(&self.row.join("\t"));
        if self.sheets.is_empty() {
            self.sheets.push(Sheet { name: String::new(), rows: Vec::new() });
        }
        if let Some(sheet) = self.sheets.last_mut() {
            sheet.rows.push(std::mem::take(&mut self.row));
            self.row_count += 1;
        }
    }

    pub(super) fn is_full(&mut self) -> bool {
        let full = self.row_count >= self.max_rows || self.len >= self.max_len;
        self.partial |= full;
        full
    }

    pub(super) fn draft(mut self) -> Draft {
        self.row();
        let (text, full) = self.words.end();
        Draft {
            text,
            partial: self.partial || full,
            body: Some(Body::Table(self.sheets)),
            ..Draft::default()
        }
    }
}
