//! What a preview is made of. Every string in it is safe to show (`safe`), and all of it serialises, for the index,
//! the web app and `--json`.

use super::kind::Kind;
use serde::{Serialize, Serializer};

/// What there is to see of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// What sort of thing it is.
    pub kind: Kind,
    /// Its MIME type.
    pub mime: &'static str,
    /// Its Apple uniform type identifier.
    pub uti: &'static str,
    /// What it calls itself; `None` if it does not.
    pub title: Option<String>,
    /// The beginning of its text on one line, 200 characters at the most.
    pub snippet: String,
    /// What can be searched in it: plain text, title and facts left out, cut at [`Limits::text_len`].
    ///
    /// [`Limits::text_len`]: super::Limits::text_len
    pub text: String,
    /// What is worth knowing of it besides, in the order in which to show it.
    pub facts: Vec<Fact>,
    /// A small picture of it.
    pub thumbnail: Option<Picture>,
    /// What to show when it is opened.
    pub body: Body,
    /// Whether a limit, or the end of the bytes given, left something out.
    pub partial: bool,
}

/// One line of what is known of a file: `author`, `Ada`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it is that is known, in lower case.
    pub name: &'static str,
    /// The value, on one line.
    pub value: String,
}

/// A picture that any browser and phone shows: a JPEG made here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Picture {
    /// `image/jpeg`.
    pub mime: &'static str,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// The file's bytes; in base64 when serialised.
    #[serde(serialize_with = "in_base64")]
    pub bytes: Vec<u8>,
}

/// What to show of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// Text as it stands, line by line.
    Text(String),
    /// A sanitised fragment of HTML: no script, no style, nothing loaded from elsewhere. References to files beside
    /// this one stay what they are (`<img src="photo.jpg">`): whoever shows it resolves or drops them.
    Html(String),
    /// Source code with its syntax marked.
    Code {
        /// What the language is called.
        language: String,
        /// The escaped text with `<span class="…">`, classes as in [`CLASSES`](super::CLASSES).
        html: String,
    },
    /// Lines below lines, in reading order.
    Outline(Vec<Node>),
    /// One table, or several sheets of them.
    Table(Vec<Sheet>),
    /// A drawing: sanitised SVG, to be shown as an image.
    Svg(String),
    /// The file is best shown as it is, by what plays or draws its MIME type; the thumbnail stands for it until then.
    Original,
    /// What is inside an archive.
    Listing(Vec<Item>),
    /// The first bytes of a file that nothing better can be said about; in hex when serialised.
    #[serde(serialize_with = "in_hex")]
    Hex(Vec<u8>),
}

/// A line of an outline or a topic of a mind map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// How many lines it hangs below; 0 is at the margin.
    pub depth: u16,
    /// Its text, on one line.
    pub text: String,
    /// A longer note beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Whether it is ticked off, where it can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<bool>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sheet {
    /// Its name; empty if it has none.
    pub name: String,
    /// Cells by rows; rows may differ in length.
    pub rows: Vec<Vec<String>>,
}

/// Something inside an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its path as the archive has it; a folder's ends in `/`.
    pub path: String,
    /// Bytes when unpacked, where the archive says.
    pub size: Option<u64>,
}

/// What the previewer of one kind makes of a file; strings need not be safe yet.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) title: Option<String>,
    pub(super) text: String,
    pub(super) facts: Vec<Fact>,
    pub(super) thumbnail: Option<Picture>,
    /// `None`: the first bytes, in hex.
    pub(super) body: Option<Body>,
    pub(super) partial: bool,
}

impl Draft {
    /// Notes a fact, unless it is empty.
    pub(super) fn fact(&mut self, name: &'static str, value: impl Into<String>) {
        let value = value.into();
        if !value.trim().is_empty() {
            self.facts.push(Fact { name, value });
        }
    }
}

fn in_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    use base64::Engine;
    serializer.serialize_str(&base64::engine::general_purpose::STANDARD.encode(bytes))
}

fn in_hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
