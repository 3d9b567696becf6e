//! The types of files that there are previews for: one row each, with extensions, MIME type and Apple UTI.
//!
//! Where neither Apple nor the maker of a format has registered a UTI, the row has the one that it conforms to.

use serde::{Serialize, Serializer};

/// What sort of thing a file is, for icons and for `type:` in a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text in Markdown.
    Markdown,
    /// Text without markup.
    Text,
    /// Source code.
    Code,
    /// An outline of lines below lines.
    Outline,
    /// A mind map.
    MindMap,
    /// Rows and columns in plain text.
    Table,
    /// JSON, XML, YAML, TOML and the like.
    Data,
    /// A page of the web.
    Html,
    /// A picture, whether pixels or drawing.
    Image,
    /// PDF.
    Pdf,
    /// What a word processor writes.
    Document,
    /// What a spreadsheet program writes.
    Spreadsheet,
    /// Slides.
    Presentation,
    /// An electronic book.
    Book,
    /// Music or speech.
    Audio,
    /// A film.
    Video,
    /// Files packed into one.
    Archive,
    /// A message.
    Mail,
    /// Anything else.
    Other,
}

impl Kind {
    /// The name of the kind, in JSON and in a search.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Markdown => "markdown",
            Kind::Text => "text",
            Kind::Code => "code",
            Kind::Outline => "outline",
            Kind::MindMap => "mind_map",
            Kind::Table => "table",
            Kind::Data => "data",
            Kind::Html => "html",
            Kind::Image => "image",
            Kind::Pdf => "pdf",
            Kind::Document => "document",
            Kind::Spreadsheet => "spreadsheet",
            Kind::Presentation => "presentation",
            Kind::Book => "book",
            Kind::Audio => "audio",
            Kind::Video => "video",
            Kind::Archive => "archive",
            Kind::Mail => "mail",
            Kind::Other => "other",
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// How the bytes are arranged, which decides who previews them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Markdown,
    Plain,
    /// Source code, and data that is shown as such.
    Code,
    Json,
    Xml,
    Opml,
    FreeMind,
    Html,
    Svg,
    Mail,
    Rtf,
    /// Values separated by commas, semicolons or tabs.
    Separated,
    /// What `image` unpacks.
    Raster,
    Heif,
    Pdf,
    Media,
    Zip,
    Ooxml,
    OpenDocument,
    Epub,
    XMind,
    MindManager,
    Tar,
    Gzip,
    /// What `ar` packs: packages of Debian, libraries of C.
    Ar,
    Font,
    /// Known by name, and nothing to look into.
    Opaque,
}

impl Form {
    /// Whether it is written in characters, so that what holds other bytes cannot be it.
    pub(super) fn is_text(self) -> bool {
        match self {
            Form::Markdown
            | Form::Plain
            | Form::Code
            | Form::Json
            | Form::Xml
            | Form::Opml
            | Form::FreeMind => true,
            Form::Html | Form::Svg | Form::Mail | Form::Rtf | Form::Separated => true,
            Form::Raster | Form::Heif | Form::Pdf | Form::Media | Form::Zip | Form::Ooxml => false,
            Form::OpenDocument | Form::Epub | Form::XMind | Form::MindManager | Form::Tar => false,
            Form::Gzip | Form::Ar | Form::Font | Form::Opaque => false,
        }
    }

    /// Whether it is a zip archive with a meaning.
    pub(super) fn is_zip(self) -> bool {
        matches!(
            self,
            Form::Zip | Form::Ooxml | Form::OpenDocument | Form::Epub | Form::XMind | Form::MindManager
        )
    }
}

/// A type of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Type {
    pub(super) form: Form,
    pub(super) kind: Kind,
    pub(super) mime: &'static str,
    pub(super) uti: &'static str,
    /// Without dots, in lower case, separated by blanks; the first is what files of it are called by themselves.
    pub(super) extensions: &'static str,
}

const fn row(
    form: Form,
    kind: Kind,
    mime: &'static str,
    uti: &'static str,
    extensions: &'static str,
) -> Type {
    Type { form, kind, mime, uti, extensions }
}

pub(super) const PLAIN: Type =
    row(Form::Plain, Kind::Text, "text/plain", "public.plain-text", "txt text log");
pub(super) const UNKNOWN: Type =
    row(Form::Opaque, Kind::Other, "application/octet-stream", "public.data", "bin dat");

/// The type that files with this extension have by name, in lower case and without a dot.
pub(super) fn by_extension(extension: &str) -> Option<&'static Type> {
    TYPES.iter().find(|row| row.extensions.split(' ').any(|known| known == extension))
}

/// Every type with a name of its own. Of two rows with one extension the first counts.
#[rustfmt::skip]
const TYPES: &[Type] = &[
    PLAIN,
    row(Form::Plain, Kind::Text, "text/x-diff", "public.patch-file", "diff patch"),
    row(Form::Plain, Kind::Text, "text/x-rst", "public.plain-text", "rst adoc asciidoc org textile wiki fountain"),
    row(Form::Plain, Kind::Text, "application/postscript", "com.adobe.postscript", "ps eps"),
    row(Form::Plain, Kind::Text, "text/vtt", "org.w3.webvtt", "vtt"),
    row(Form::Plain, Kind::Text, "application/x-subrip", "public.plain-text", "srt"),
    row(Form::Plain, Kind::Text, "text/calendar", "com.apple.ical.ics", "ics"),
    row(Form::Plain, Kind::Text, "text/vcard", "public.vcard", "vcf vcard"),
    row(Form::Markdown, Kind::Markdown, "text/markdown", "net.daringfireball.markdown", "md markdown mdown mkd mkdn mdwn mdtext qmd rmd"),
    row(Form::Opml, Kind::Outline, "text/x-opml", "org.opml.opml", "opml"),
    row(Form::FreeMind, Kind::MindMap, "application/x-freemind", "public.xml", "mm"),
    row(Form::XMind, Kind::MindMap, "application/vnd.xmind.workbook", "public.zip-archive", "xmind"),
    row(Form::MindManager, Kind::MindMap, "application/vnd.mindjet.mindmanager", "public.zip-archive", "mmap"),
    row(Form::Separated, Kind::Table, "text/csv", "public.comma-separated-values-text", "csv"),
    row(Form::Separated, Kind::Table, "text/tab-separated-values", "public.tab-separated-values-text", "tsv tab"),
    row(Form::Json, Kind::Data, "application/json", "public.json", "json geojson ipynb webmanifest jsonld"),
    row(Form::Code, Kind::Data, "application/x-ndjson", "public.json", "ndjson jsonl"),
    row(Form::Xml, Kind::Data, "application/xml", "public.xml", "xml xsl xslt xsd rss atom gpx kml plist"),
    row(Form::Code, Kind::Data, "application/yaml", "public.yaml", "yaml yml"),
    row(Form::Code, Kind::Data, "application/toml", "public.text", "toml"),
    row(Form::Code, Kind::Data, "text/plain", "public.text", "ini cfg conf properties env service desktop"),
    row(Form::Html, Kind::Html, "text/html", "public.html", "html htm"),
    row(Form::Html, Kind::Html, "application/xhtml+xml", "public.xhtml", "xhtml xht"),
    row(Form::Svg, Kind::Image, "image/svg+xml", "public.svg-image", "svg"),
    row(Form::Mail, Kind::Mail, "message/rfc822", "com.apple.mail.email", "eml"),
    row(Form::Rtf, Kind::Document, "text/rtf", "public.rtf", "rtf"),

    row(Form::Code, Kind::Code, "text/x-rust", "public.source-code", "rs"),
    row(Form::Code, Kind::Code, "text/x-python", "public.python-script", "py pyi pyw"),
    row(Form::Code, Kind::Code, "text/x-shellscript", "public.shell-script", "sh bash zsh ksh fish"),
    row(Form::Code, Kind::Code, "text/x-c", "public.c-source", "c"),
    row(Form::Code, Kind::Code, "text/x-c", "public.c-header", "h"),
    row(Form::Code, Kind::Code, "text/x-c++", "public.c-plus-plus-source", "cpp cc cxx hpp hh hxx"),
    row(Form::Code, Kind::Code, "text/x-objective-c", "public.objective-c-source", "m"),
    row(Form::Code, Kind::Code, "text/x-java", "com.sun.java-source", "java"),
    row(Form::Code, Kind::Code, "text/javascript", "com.netscape.javascript-source", "js mjs cjs jsx"),
    row(Form::Code, Kind::Code, "text/x-typescript", "public.source-code", "ts tsx mts"),
    row(Form::Code, Kind::Code, "text/css", "public.css", "css scss sass less"),
    row(Form::Code, Kind::Code, "text/x-go", "public.source-code", "go"),
    row(Form::Code, Kind::Code, "text/x-swift", "public.swift-source", "swift"),
    row(Form::Code, Kind::Code, "text/x-kotlin", "public.source-code", "kt kts"),
    row(Form::Code, Kind::Code, "text/x-scala", "public.source-code", "scala sbt"),
    row(Form::Code, Kind::Code, "text/x-csharp", "public.source-code", "cs"),
    row(Form::Code, Kind::Code, "text/x-ruby", "public.ruby-script", "rb"),
    row(Form::Code, Kind::Code, "text/x-perl", "public.perl-script", "pl pm"),
    row(Form::Code, Kind::Code, "application/x-php", "public.php-script", "php"),
    row(Form::Code, Kind::Code, "text/x-lua", "public.source-code", "lua"),
    row(Form::Code, Kind::Code, "text/x-haskell", "public.source-code", "hs"),
    row(Form::Code, Kind::Code, "text/x-lisp", "public.source-code", "lisp el clj scm"),
    row(Form::Code, Kind::Code, "text/x-erlang", "public.source-code", "erl ex exs"),
    row(Form::Code, Kind::Code, "text/x-ocaml", "public.source-code", "ml mli"),
    row(Form::Code, Kind::Code, "text/x-pascal", "public.source-code", "pas"),
    row(Form::Code, Kind::Code, "text/x-r", "public.source-code", "r"),
    row(Form::Code, Kind::Code, "application/sql", "public.source-code", "sql"),
    row(Form::Code, Kind::Code, "text/x-tex", "public.source-code", "tex sty bib"),
    row(Form::Code, Kind::Code, "text/x-makefile", "public.make-source", "mk make mak"),
    row(Form::Code, Kind::Code, "text/x-script", "public.source-code", "bat cmd ps1 awk tcl groovy gradle d cmake nix zig proto graphql vue"),

    row(Form::Raster, Kind::Image, "image/jpeg", "public.jpeg", "jpg jpeg jpe"),
    row(Form::Raster, Kind::Image, "image/png", "public.png", "png"),
    row(Form::Raster, Kind::Image, "image/gif", "com.compuserve.gif", "gif"),
    row(Form::Raster, Kind::Image, "image/webp", "org.webmproject.webp", "webp"),
    row(Form::Raster, Kind::Image, "image/bmp", "com.microsoft.bmp", "bmp dib"),
    row(Form::Raster, Kind::Image, "image/tiff", "public.tiff", "tif tiff"),
    row(Form::Heif, Kind::Image, "image/heic", "public.heic", "heic heif hif"),
    row(Form::Heif, Kind::Image, "image/avif", "public.avif", "avif"),
    row(Form::Opaque, Kind::Image, "image/vnd.adobe.photoshop", "com.adobe.photoshop-image", "psd"),
    row(Form::Raster, Kind::Image, "image/x-icon", "com.microsoft.ico", "ico"),
    row(Form::Opaque, Kind::Image, "image/jxl", "public.jpeg-xl", "jxl"),

    row(Form::Pdf, Kind::Pdf, "application/pdf", "com.adobe.pdf", "pdf"),
    row(Form::Ooxml, Kind::Document, "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "org.openxmlformats.wordprocessingml.document", "docx docm dotx"),
    row(Form::Ooxml, Kind::Spreadsheet, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "org.openxmlformats.spreadsheetml.sheet", "xlsx xlsm xltx"),
    row(Form::Ooxml, Kind::Presentation, "application/vnd.openxmlformats-officedocument.presentationml.presentation", "org.openxmlformats.presentationml.presentation", "pptx pptm ppsx potx"),
    row(Form::OpenDocument, Kind::Document, "application/vnd.oasis.opendocument.text", "org.oasis-open.opendocument.text", "odt ott"),
    row(Form::OpenDocument, Kind::Spreadsheet, "application/vnd.oasis.opendocument.spreadsheet", "org.oasis-open.opendocument.spreadsheet", "ods ots"),
    row(Form::OpenDocument, Kind::Presentation, "application/vnd.oasis.opendocument.presentation", "org.oasis-open.opendocument.presentation", "odp otp"),
    row(Form::Opaque, Kind::Document, "application/msword", "com.microsoft.word.doc", "doc"),
    row(Form::Opaque, Kind::Spreadsheet, "application/vnd.ms-excel", "com.microsoft.excel.xls", "xls"),
    row(Form::Opaque, Kind::Presentation, "application/vnd.ms-powerpoint", "com.microsoft.powerpoint.ppt", "ppt"),
    row(Form::Epub, Kind::Book, "application/epub+zip", "org.idpf.epub-container", "epub"),
    row(Form::Opaque, Kind::Book, "application/x-mobipocket-ebook", "public.data", "mobi azw azw3"),

    row(Form::Media, Kind::Audio, "audio/mpeg", "public.mp3", "mp3"),
    row(Form::Media, Kind::Audio, "audio/mp4", "com.apple.m4a-audio", "m4a m4b"),
    row(Form::Media, Kind::Audio, "audio/aac", "public.aac-audio", "aac"),
    row(Form::Media, Kind::Audio, "audio/flac", "org.xiph.flac", "flac"),
    row(Form::Media, Kind::Audio, "audio/ogg", "org.xiph.ogg-audio", "ogg oga spx"),
    row(Form::Media, Kind::Audio, "audio/opus", "org.xiph.opus", "opus"),
    row(Form::Media, Kind::Audio, "audio/wav", "com.microsoft.waveform-audio", "wav"),
    row(Form::Media, Kind::Audio, "audio/aiff", "public.aiff-audio", "aiff aif aifc"),
    row(Form::Media, Kind::Audio, "audio/x-ape", "public.audio", "ape"),
    row(Form::Opaque, Kind::Audio, "audio/midi", "public.midi-audio", "mid midi"),
    row(Form::Opaque, Kind::Audio, "audio/amr", "org.3gpp.adaptive-multi-rate-audio", "amr"),
    row(Form::Media, Kind::Video, "video/mp4", "public.mpeg-4", "mp4 m4v"),
    row(Form::Media, Kind::Video, "video/quicktime", "com.apple.quicktime-movie", "mov qt"),
    row(Form::Media, Kind::Video, "video/3gpp", "public.3gpp", "3gp"),
    row(Form::Media, Kind::Video, "video/webm", "org.webmproject.webm", "webm"),
    row(Form::Media, Kind::Video, "video/x-matroska", "org.matroska.mkv", "mkv"),
    row(Form::Media, Kind::Video, "video/x-msvideo", "public.avi", "avi"),
    row(Form::Opaque, Kind::Video, "video/x-ms-wmv", "com.microsoft.windows-media-wmv", "wmv"),
    row(Form::Opaque, Kind::Video, "video/mpeg", "public.mpeg", "mpg mpeg"),
    row(Form::Opaque, Kind::Video, "video/x-flv", "public.movie", "flv"),

    row(Form::Zip, Kind::Archive, "application/zip", "public.zip-archive", "zip"),
    row(Form::Zip, Kind::Archive, "application/java-archive", "com.sun.java-archive", "jar war"),
    row(Form::Zip, Kind::Archive, "application/vnd.android.package-archive", "public.zip-archive", "apk"),
    row(Form::Zip, Kind::Archive, "application/zip", "public.zip-archive", "cbz ipa xpi sketch"),
    row(Form::Zip, Kind::Document, "application/vnd.apple.pages", "com.apple.iwork.pages.sffpages", "pages"),
    row(Form::Zip, Kind::Spreadsheet, "application/vnd.apple.numbers", "com.apple.iwork.numbers.sffnumbers", "numbers"),
    row(Form::Zip, Kind::Presentation, "application/vnd.apple.keynote", "com.apple.iwork.keynote.sffkey", "key"),
    row(Form::Tar, Kind::Archive, "application/x-tar", "public.tar-archive", "tar"),
    row(Form::Gzip, Kind::Archive, "application/gzip", "org.gnu.gnu-zip-archive", "gz tgz svgz"),
    row(Form::Ar, Kind::Archive, "application/vnd.debian.binary-package", "public.archive", "deb udeb"),
    row(Form::Ar, Kind::Archive, "application/x-archive", "public.archive", "ar a"),
    row(Form::Opaque, Kind::Archive, "application/x-rpm", "public.archive", "rpm"),
    row(Form::Opaque, Kind::Archive, "application/x-bzip2", "public.bzip2-archive", "bz2 tbz"),
    row(Form::Opaque, Kind::Archive, "application/x-xz", "org.tukaani.xz-archive", "xz txz"),
    row(Form::Opaque, Kind::Archive, "application/zstd", "public.data", "zst"),
    row(Form::Opaque, Kind::Archive, "application/x-7z-compressed", "org.7-zip.7-zip-archive", "7z"),
    row(Form::Opaque, Kind::Archive, "application/vnd.rar", "com.rarlab.rar-archive", "rar"),
    row(Form::Opaque, Kind::Other, "application/vnd.sqlite3", "public.database", "sqlite sqlite3 db"),
    row(Form::Font, Kind::Other, "font/ttf", "public.truetype-ttf-font", "ttf"),
    row(Form::Font, Kind::Other, "font/otf", "public.opentype-font", "otf"),
    row(Form::Font, Kind::Other, "font/collection", "public.truetype-collection-font", "ttc"),
    row(Form::Opaque, Kind::Other, "font/woff2", "public.font", "woff2 woff"),
    row(Form::Opaque, Kind::Other, "application/wasm", "public.data", "wasm"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_extension_leads_to_its_own_row() {
        let mut seen = std::collections::HashSet::new();
        for row in TYPES {
            assert!(row.mime.contains('/') && row.uti.contains('.'), "{row:?}");
            for extension in row.extensions.split(' ') {
                assert!(seen.insert(extension), "{extension} stands twice");
                assert_eq!(by_extension(extension), Some(row));
            }
        }
    }
}
