//! How much a preview may cost. Files are foreign and hostile; this room has no clock, so time is bounded by what
//! takes it: bytes, entries, depth, pixels.

/// Bounds on the work for one file, and on what comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of searchable text.
    pub text_len: usize,
    /// Bytes of text that are looked at for the body, and about as many come out.
    pub body_len: usize,
    /// Bytes of source code whose syntax is marked in the body, which takes longer than all else; the text is the same
    /// without.
    pub marked_len: usize,
    /// Bytes that all streams of one file may be unpacked to.
    pub unpacked_len: usize,
    /// Entries of an archive, lines of an outline, rows of a table.
    pub entries: usize,
    /// How deep things may nest: elements of XML and HTML, lines of an outline.
    pub depth: usize,
    /// Pixels of an image that is unpacked to make a thumbnail.
    pub pixels: u64,
    /// The longer side of a thumbnail, in pixels.
    pub thumbnail_side: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            text_len: 256 * 1024,
            body_len: 512 * 1024,
            marked_len: 64 * 1024,
            unpacked_len: 16 * 1024 * 1024,
            entries: 5000,
            depth: 64,
            pixels: 20 * 1024 * 1024,
            thumbnail_side: 256,
        }
    }
}
