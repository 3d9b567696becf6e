//! Tables as they are gathered from spreadsheets.

use super::limits::Limits;
use super::model::{Body, Draft, Sheet};
use super::safe::{self, Bounded};

/// Cells of one row.
pub(super) const COLUMNS: usize = 256;

/// Sheets, rows and cells, within bounds. What of a long cell is not shown can be searched.
pub(super) struct TableSink {
    sheets: Vec<Sheet>,
    /// Cells in full.
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
        let name = safe::line_or_cut(name, &mut self.partial);
        self.sheets.push(Sheet { name, rows: Vec::new() });
    }

    /// Takes a cell, whose text has been made one line of: it may be the same in many cells.
    pub(super) fn cell(&mut self, column: usize, text: &str) {
        if column >= COLUMNS || self.is_full() {
            self.partial |= !text.is_empty();
            return;
        }
        if text.is_empty() {
            return;
        }
        // an empty cell costs memory as well
        self.len += text.len() + (column + 1).saturating_sub(self.row.len()) * 8;
        if self.row.len() <= column {
            self.row.resize(column + 1, String::new());
        }
        text.clone_into(&mut self.row[column]);
    }

    pub(super) fn row(&mut self) {
        if self.row.is_empty() || self.row_count >= self.max_rows {
            self.partial |= !self.row.is_empty();
            return;
        }
        self.words.line(&self.row.join("\t"));
        if self.sheets.is_empty() {
            self.sheets.push(Sheet { name: String::new(), rows: Vec::new() });
        }
        if let Some(sheet) = self.sheets.last_mut() {
            let row = std::mem::take(&mut self.row);
            sheet.rows.push(row.iter().map(|cell| safe::line_or_cut(cell, &mut self.partial)).collect());
            self.row_count += 1;
        }
    }

    pub(super) fn is_full(&mut self) -> bool {
        let full = self.row_count >= self.max_rows || self.len >= self.max_len;
        self.partial |= full;
        full
    }

    /// Notes that something is left out.
    pub(super) fn cut(&mut self, cut: bool) {
        self.partial |= cut;
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
