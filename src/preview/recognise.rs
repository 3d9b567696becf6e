//! Which type a file has: by its contents, and by its name where contents do not tell.
//!
//! Contents win. A name decides between types that are alike inside: the languages that programs are written in,
//! tables and plain text, Office files of old.

use super::encoding;
use super::kind::{Form, Kind, PLAIN, Type, UNKNOWN, by_extension};
use super::source::Source;
use super::xml::{Piece, Xml};
use super::zipped::Zip;

/// Bytes that types are known by.
const HEAD_LEN: usize = 4096;

/// Names that mean a type without an extension, in lower case, and the extension that means the same.
const BY_NAME: &[(&str, &str)] = &[
    ("makefile", "mk"),
    ("gnumakefile", "mk"),
    ("dockerfile", "sh"),
    ("containerfile", "sh"),
    ("cmakelists.txt", "cmake"),
    ("gemfile", "rb"),
    ("rakefile", "rb"),
    ("readme", "txt"),
    ("license", "txt"),
    ("copying", "txt"),
    (".bashrc", "sh"),
    (".profile", "sh"),
    (".zshrc", "sh"),
    (".gitconfig", "ini"),
    (".editorconfig", "ini"),
    ("cargo.lock", "toml"),
];

/// What the first line of a script names, and the extension that means the same.
const INTERPRETERS: &[(&str, &str)] = &[
    ("python", "py"),
    ("bash", "sh"),
    ("zsh", "sh"),
    ("sh", "sh"),
    ("perl", "pl"),
    ("ruby", "rb"),
    ("node", "js"),
    ("php", "php"),
    ("lua", "lua"),
    ("awk", "awk"),
];

/// The type of a file, and the extension that stands for it where a language depends on it.
pub(super) fn recognise(source: &Source<'_>) -> (Type, String) {
    let extension = source.extension();
    let name = source.file_name().to_lowercase();
    let extension = match BY_NAME.iter().find(|(known, _)| *known == name) {
        Some((_, extension)) => (*extension).to_owned(),
        None => extension,
    };
    let named = by_extension(&extension).copied();
    let head = source.first(HEAD_LEN);
    if head.is_empty() {
        return (named.unwrap_or(PLAIN), extension);
    }
    if is_pdf(source, head, named) {
        return (known("pdf"), "pdf".into());
    }
    if let Some(inside) = head.strip_prefix(b"!<arch>\n") {
        let extension = if inside.starts_with(b"debian-binary") { "deb" } else { "ar" };
        return (known(extension), extension.into());
    }
    if encoding::is_text(head) {
        let (found, extension) = text(head, named, extension);
        return (found, extension);
    }
    (binary(source, head, named), extension)
}

/// The mark of PDF stands at the beginning, as a rule; readers look for it in the first KiB. Text that only speaks of
/// it has no object, and what holds a PDF, as an archive may, is something else by its own beginning.
fn is_pdf(source: &Source<'_>, head: &[u8], named: Option<Type>) -> bool {
    let Some(at) = head[..head.len().min(1024)].windows(5).position(|window| window == b"%PDF-") else {
        return false;
    };
    let is_named = named.is_some_and(|row| row.form == Form::Pdf);
    if encoding::is_text(head) {
        let has_objects = head.windows(6).any(|window| window == b" 0 obj");
        return is_named && (at == 0 || has_objects) || at == 0 && has_objects;
    }
    at == 0 || infer::get(head).is_none() && !is_tar(source.bytes)
}

/// The row of an extension that this file names itself.
fn known(extension: &str) -> Type {
    by_extension(extension).copied().unwrap_or(UNKNOWN)
}

fn text(head: &[u8], named: Option<Type>, extension: String) -> (Type, String) {
    let head = encoding::decode(head).map(|decoded| decoded.text).unwrap_or_default();
    let start = head.trim_start();
    let by = |extension: &str| (known(extension), extension.to_owned());
    let xml_or_nothing = named.is_none_or(|row| {
        matches!(row.form, Form::Xml | Form::Opml | Form::FreeMind | Form::Svg | Form::Html | Form::Plain)
            || !row.form.is_text()
    });
    if start.starts_with('<') && xml_or_nothing {
        match root_element(start).as_deref() {
            Some("opml") => return by("opml"),
            Some("map") if start.contains("<node") => return by("mm"),
            Some("svg") => return by("svg"),
            Some("html") if named.is_none_or(|row| row.form != Form::Html) => return by("html"),
            Some(_) if start.starts_with("<?xml") => {
                let html = named.filter(|row| row.form == Form::Html);
                return html.map_or_else(|| by("xml"), |row| (row, extension));
            }
            _ => {}
        }
        // what is called so and has another root
        if named.is_some_and(|row| matches!(row.form, Form::Opml | Form::FreeMind | Form::Svg)) {
            return by("xml");
        }
    }
    if start.starts_with("{\\rtf") {
        return by("rtf");
    }
    match named {
        Some(row) if matches!(row.form, Form::Opml | Form::FreeMind | Form::Svg | Form::Rtf) => {
            // their marks are missing: so they are not what they are called
            (PLAIN, "txt".into())
        }
        Some(row) if row.form.is_text() => (row, extension),
        // a name of something that is not text, on text
        _ => by(unnamed(start)),
    }
}

/// The extension that a text without one deserves.
fn unnamed(start: &str) -> &'static str {
    if let Some(line) = start.strip_prefix("#!") {
        let line = line.lines().next().unwrap_or_default();
        let mut words = line.split([' ', '/']).filter(|word| !word.is_empty() && *word != "env");
        let found = words.find_map(|word| {
            let word = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
            INTERPRETERS.iter().find(|(name, _)| *name == word)
        });
        return found.map_or("sh", |(_, extension)| extension);
    }
    if is_mail(start) {
        return "eml";
    }
    let lower = start.get(..64).unwrap_or(start).to_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return "html";
    }
    let second = start.chars().skip(1).find(|c| !c.is_whitespace());
    if start.starts_with('{') && matches!(second, Some('"' | '}')) {
        return "json";
    }
    if is_markdown(start) { "md" } else { "txt" }
}

/// A message begins with headers, of which some can be told from any other `word: words`.
fn is_mail(start: &str) -> bool {
    let mut telling = 0;
    for line in start.lines().take(40).take_while(|line| !line.is_empty()) {
        if line.starts_with([' ', '\t']) || line.starts_with("From ") {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else { return false };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return false;
        }
        let marks = ["from", "date", "message-id", "received", "return-path", "mime-version", "delivered-to"];
        telling += usize::from(marks.contains(&name.to_ascii_lowercase().as_str()));
    }
    telling >= 2
}

fn is_markdown(start: &str) -> bool {
    let marks = ["\n## ", "](http", "\n- [ ] ", "\n- [x] ", "\n```", "\n| ---", "\n|---"];
    start.starts_with("# ") || marks.iter().any(|mark| start.contains(mark))
}

/// The name of the first element.
fn root_element(text: &str) -> Option<String> {
    Xml::new(text, 1).take(4).find_map(|piece| match piece {
        Piece::Open(tag) => Some(tag.name.to_ascii_lowercase()),
        _ => None,
    })
}

fn binary(source: &Source<'_>, head: &[u8], named: Option<Type>) -> Type {
    let Some(found) = infer::get(source.bytes.get(..64 * 1024).unwrap_or(source.bytes)) else {
        return match named.filter(|row| !row.form.is_text()) {
            Some(row) if row.form == Form::Media && head.starts_with(b"\x1a\x45\xdf\xa3") => row,
            Some(row) if is_tar(source.bytes) => {
                if row.form == Form::Tar {
                    row
                } else {
                    known("tar")
                }
            }
            Some(row) => row,
            None if is_tar(source.bytes) => known("tar"),
            None => UNKNOWN,
        };
    };
    let row = by_extension(found.extension());
    let is_zip = row.is_some_and(|row| row.form.is_zip()) || found.mime_type() == "application/zip";
    if is_zip && head.starts_with(b"PK") {
        return zip_with_meaning(source, named.filter(|named| named.form.is_zip()));
    }
    match (row, named) {
        // alike inside, so that the name is believed
        (Some(row), Some(named)) if is_alike(row, &named) => named,
        (Some(row), _) if !row.form.is_text() => *row,
        // Office files of old all are the same container
        (_, Some(named)) if is_ole(head) && named.form == Form::Opaque => named,
        (Some(_), _) => UNKNOWN,
        (None, Some(named)) if !named.form.is_text() && named.form != Form::Opaque => UNKNOWN,
        (None, _) => Type { mime: found.mime_type(), ..UNKNOWN },
    }
}

fn is_ole(head: &[u8]) -> bool {
    head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
}

/// The mark of a header of tar, which is 512 bytes long.
pub(super) fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

/// Sound and film in the same containers; the two names of Matroska.
fn is_alike(found: &Type, named: &Type) -> bool {
    let group = |row: &Type| match row.mime {
        "audio/ogg" | "audio/opus" => 1,
        "audio/mp4" | "video/mp4" | "video/quicktime" | "video/3gpp" => 2,
        "video/webm" | "video/x-matroska" => 3,
        "image/heic" | "image/avif" => 0,
        _ => 0,
    };
    group(found) != 0 && group(found) == group(named)
}

/// What a zip archive is, by the names inside.
fn zip_with_meaning(source: &Source<'_>, named: Option<Type>) -> Type {
    let zip = known("zip");
    let Some(mut archive) = Zip::open(source.bytes, 4096, 64 * 1024) else {
        // cut off or damaged: the list of names is at the end
        return named.unwrap_or(zip);
    };
    if let Some(mimetype) = archive.read("mimetype").filter(|mimetype| !mimetype.is_empty()) {
        let mimetype = String::from_utf8_lossy(&mimetype);
        let mimetype = mimetype.trim().trim_end_matches("-template");
        let known = ["epub", "odt", "ods", "odp"].map(known);
        if let Some(row) = known.into_iter().find(|row| row.mime == mimetype) {
            return row;
        }
    }
    let has = |name: &str| archive.has(name);
    let extension = if has("word/document.xml") {
        "docx"
    } else if has("xl/workbook.xml") || has("xl/workbook.bin") {
        "xlsx"
    } else if has("ppt/presentation.xml") {
        "pptx"
    } else if has("META-INF/container.xml") {
        "epub"
    } else if (has("content.json") || has("content.xml")) && named.is_some_and(|row| row.form == Form::XMind)
        || has("content.json") && (has("metadata.json") || has("manifest.json"))
    {
        "xmind"
    } else if has("Document.xml") {
        "mmap"
    } else if has("AndroidManifest.xml") {
        "apk"
    } else if has("META-INF/MANIFEST.MF") {
        "jar"
    } else {
        return named.filter(|row| row.form == Form::Zip).unwrap_or(zip);
    };
    known(extension)
}

/// The kind that a file of this name would be, for those who have not read it.
pub(super) fn by_name(name: &str) -> Kind {
    by_extension(&Source::new(name, &[]).extension()).map_or(Kind::Other, |row| row.kind)
}
