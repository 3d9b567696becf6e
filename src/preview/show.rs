//! A preview as one fragment of HTML, and as plain text for a terminal.

use super::model::{Body, Item, Node, Picture, Preview, Sheet};
use super::safe::{html, push_html};
use base64::Engine;
use std::fmt::Write;

/// Bytes of a line of hex.
const HEX_LINE: usize = 16;

impl Preview {
    /// The body as a fragment of HTML, safe where scripts are not: it loads nothing, and has neither scripts nor styles.
    ///
    /// Drawings come as an image in a `data:` URL, and so does the thumbnail, which stands for what only a player shows.
    pub fn to_html(&self) -> String {
        match &self.body {
            Body::Text(text) => format!("<pre>{}</pre>", html(text)),
            Body::Html(html) => html.clone(),
            Body::Code { html, .. } => format!("<pre><code>{html}</code></pre>"),
            Body::Outline(nodes) => outline_html(nodes),
            Body::Table(sheets) => tables_html(sheets),
            Body::Svg(svg) => image_html("image/svg+xml", svg.as_bytes(), self.title.as_deref()),
            Body::Original => match &self.thumbnail {
                Some(Picture { mime, bytes, .. }) => image_html(mime, bytes, self.title.as_deref()),
                None => format!("<pre>{}</pre>", html(&self.text)),
            },
            Body::Listing(items) => listing_html(items),
            Body::Hex(bytes) => format!("<pre>{}</pre>", html(&hex(bytes))),
        }
    }

    /// The body as plain text.
    pub fn to_text(&self) -> String {
        match &self.body {
            Body::Text(text) => text.clone(),
            Body::Outline(nodes) => outline_text(nodes),
            Body::Table(sheets) => tables_text(sheets),
            Body::Listing(items) => items.iter().fold(String::new(), |mut text, item| {
                let size = item.size.map(|size| size.to_string()).unwrap_or_default();
                line(&mut text, format_args!("{size:>12}  {}", item.path));
                text
            }),
            Body::Hex(bytes) => hex(bytes),
            Body::Html(_) | Body::Code { .. } | Body::Svg(_) | Body::Original => self.text.clone(),
        }
    }
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    writeln!(text, "{words}").expect("a string takes everything");
}

fn image_html(mime: &str, bytes: &[u8], title: Option<&str>) -> String {
    let data = base64::engine::general_purpose::STANDARD.encode(bytes);
    format!("<img src=\"data:{mime};base64,{data}\" alt=\"{}\">", html(title.unwrap_or_default()))
}

fn outline_html(nodes: &[Node]) -> String {
    let mut out = String::new();
    // how many lists are open, each with an item open in it
    let mut open = 0usize;
    for node in nodes {
        let wanted = usize::from(node.depth) + 1;
        if wanted > open {
            (open..wanted).for_each(|at| out.push_str(if at + 1 < wanted { "<ul><li>" } else { "<ul>" }));
        } else {
            (wanted..open).for_each(|_| out.push_str("</li></ul>"));
            out.push_str("</li>");
        }
        open = wanted;
        out.push_str("<li>");
        out.push_str(mark(node.done));
        push_html(&mut out, &node.text);
        if let Some(note) = &node.note {
            out.push_str("<blockquote>");
            out.push_str(&html(note).replace('\n', "<br>"));
            out.push_str("</blockquote>");
        }
    }
    (0..open).for_each(|_| out.push_str("</li></ul>"));
    out
}

fn mark(done: Option<bool>) -> &'static str {
    match done {
        Some(true) => "☑ ",
        Some(false) => "☐ ",
        None => "",
    }
}

fn outline_text(nodes: &[Node]) -> String {
    let mut out = String::new();
    for node in nodes {
        let indent = usize::from(node.depth) * 2;
        line(&mut out, format_args!("{:indent$}- {}{}", "", mark(node.done), node.text));
        for words in node.note.iter().flat_map(|note| note.lines()) {
            line(&mut out, format_args!("{:indent$}    {words}", ""));
        }
    }
    out
}

fn tables_html(sheets: &[Sheet]) -> String {
    let mut out = String::new();
    for sheet in sheets {
        if !sheet.name.is_empty() {
            out.push_str(&format!("<h2>{}</h2>", html(&sheet.name)));
        }
        out.push_str("<table>");
        for row in &sheet.rows {
            out.push_str("<tr>");
            for cell in row {
                out.push_str("<td>");
                push_html(&mut out, cell);
                out.push_str("</td>");
            }
            out.push_str("</tr>");
        }
        out.push_str("</table>");
    }
    out
}

fn tables_text(sheets: &[Sheet]) -> String {
    let mut out = String::new();
    for sheet in sheets {
        if !sheet.name.is_empty() {
            line(&mut out, format_args!("# {}", sheet.name));
        }
        for row in &sheet.rows {
            line(&mut out, format_args!("{}", row.join("\t")));
        }
    }
    out
}

fn listing_html(items: &[Item]) -> String {
    let mut out = String::from("<table>");
    for item in items {
        let size = item.size.map(|size| size.to_string()).unwrap_or_default();
        out.push_str(&format!("<tr><td>{}</td><td>{size}</td></tr>", html(&item.path)));
    }
    out + "</table>"
}

/// Offsets, bytes, and what of them is printable.
fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (at, row) in bytes.chunks(HEX_LINE).enumerate() {
        let digits = row.iter().map(|byte| format!("{byte:02x} ")).collect::<String>();
        let printable =
            row.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' });
        line(&mut out, format_args!("{:08x}  {digits:<48} {}", at * HEX_LINE, printable.collect::<String>()));
    }
    out
}
