//! What is left out is told, what is not shown can be searched, and counts are those of the file.

use crate::bombs::ends;
use crate::samples::{seen, zipped};
use encbox::preview::{Body, Preview};

/// A word behind more characters than are shown of a line.
fn long() -> String {
    "word ".repeat(150) + "needle"
}

#[track_caller]
fn is_searched_and_told(name: &str, bytes: impl AsRef<[u8]>) {
    let seen = seen(name, bytes);
    assert!(seen.text.contains("needle"), "{name}: {}", seen.text);
    assert!(seen.partial && !seen.to_text().contains("needle"), "{name}");
}

fn fact<'p>(seen: &'p Preview, name: &str) -> Option<&'p str> {
    seen.facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.as_str())
}

fn workbook(sheets: usize, strings: &str, rows: &str) -> Vec<u8> {
    let names = "<sheet name='a'/>".repeat(sheets);
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    let names_of: Vec<String> = (1..=sheets).map(|at| format!("xl/worksheets/sheet{at}.xml")).collect();
    let book = format!("<workbook><sheets>{names}</sheets></workbook>");
    let mut files: Vec<(&str, &[u8])> =
        vec![("xl/workbook.xml", book.as_bytes()), ("xl/sharedStrings.xml", strings.as_bytes())];
    files.extend(names_of.iter().map(|name| (name.as_str(), sheet.as_bytes())));
    zipped(&files)
}

fn calc(content: &str) -> Vec<u8> {
    zipped(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", format!("<document-content>{content}</document-content>").as_bytes()),
    ])
}

#[test]
fn long_lines() {
    let long = long();
    is_searched_and_told("a.csv", format!("a,b\n{long},c\n"));
    is_searched_and_told("a.opml", format!("<opml><body><outline text='{long}'/></body></opml>"));
    let note = "word ".repeat(1000) + "needle";
    is_searched_and_told("a.opml", format!("<opml><body><outline text='a' _note='{note}'/></body></opml>"));
    is_searched_and_told("a.mm", format!("<map><node TEXT='a'><node TEXT='{long}'/></node></map>"));
    let content = format!(
        "[{{\"rootTopic\":{{\"title\":\"a\",\"children\":{{\"attached\":[{{\"title\":\"{long}\"}}]}}}}}}]"
    );
    is_searched_and_told(
        "a.xmind",
        zipped(&[("content.json", content.as_bytes()), ("metadata.json", b"{}")]),
    );
    let rows = format!("<row><c t='inlineStr'><is><t>{long}</t></is></c></row>");
    is_searched_and_told("a.xlsx", workbook(1, "", &rows));
    let strings = format!("<sst><si><t>{long}</t></si></sst>");
    is_searched_and_told("a.xlsx", workbook(1, &strings, "<row><c t='s'><v>0</v></c></row>"));
    is_searched_and_told(
        "a.ods",
        calc(&format!("<table><table-row><table-cell><p>{long}</p></table-cell></table-row></table>")),
    );
}

#[test]
fn shared_strings() {
    let strings = "<sst><si><t> first\n </t></si><si><r><t>sec</t></r><r><t>ond</t></r><rPh><t>guide</t></rPh></si></sst>";
    let rows =
        "<row><c t='s'><v>1</v></c><c t='s'><v>0</v></c><c t='s'><v>7</v></c><c t='s'><v>1</v></c></row>";
    let seen = seen("a.xlsx", workbook(1, strings, rows));
    let Body::Table(sheets) = &seen.body else { panic!("{:?}", seen.body) };
    assert_eq!(sheets[0].rows, [["second", "first", "", "second"]]);
    assert!(!seen.partial && seen.text == "second first second\n", "{:?}", seen.text);
}

#[test]
fn blanks_that_many_cells_have() {
    let blanks = " ".repeat(8_000_000);
    let strings = format!("<sst><si><t>{blanks}x</t></si></sst>");
    ends("a.xlsx", workbook(1, &strings, &"<row><c t='s'><v>0</v></c></row>".repeat(5000)));
    ends("a.xlsx", workbook(20, &strings, &"<row><c t='s'><v>0</v></c></row>".repeat(200)));
    let cell = "<table-cell number-columns-repeated='256'><p>";
    ends("a.ods", calc(&format!("<table><table-row>{cell}{blanks}</p></table-cell></table-row></table>")));
    let spaces = "<s c='256'/>".repeat(600_000);
    ends("a.ods", calc(&format!("<table><table-row>{cell}{spaces}x</p></table-cell></table-row></table>")));
    let long = "x".repeat(8_000_000);
    let seen =
        ends("a.ods", calc(&format!("<table><table-row>{cell}{long}</p></table-cell></table-row></table>")));
    assert!(seen.partial);
}

#[test]
fn sheets_and_slides_are_counted() {
    let seen_of = |count: usize| seen("a.xlsx", workbook(count, "", "<row><c><v>1</v></c></row>"));
    assert_eq!((fact(&seen_of(20), "sheets"), seen_of(20).partial), (Some("20"), false));
    assert_eq!((fact(&seen_of(50), "sheets"), seen_of(50).partial), (Some("50"), true));
    let full = "<row><c><v>1</v></c></row>".repeat(6000);
    let seen = seen("a.xlsx", workbook(3, "", &full));
    assert_eq!((fact(&seen, "sheets"), seen.partial), (Some("3"), true));
    let table = "<table><table-row><table-cell><p>1</p></table-cell></table-row></table>";
    let long =
        format!("<table>{}</table>", "<table-row><table-cell><p>1</p></table-cell></table-row>".repeat(6000));
    let seen = crate::samples::seen("a.ods", calc(&(long + &table.repeat(4))));
    assert_eq!((fact(&seen, "sheets"), seen.partial), (Some("5"), true));
}

/// A book of these files in order, with a table of contents.
fn book(package: &str, contents: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let container = "<container><rootfiles><rootfile full-path='book.opf'/></rootfiles></container>";
    let items: String = files.iter().map(|(name, _)| format!("<item id='{name}' href='{name}'/>")).collect();
    let order: String = files.iter().map(|(name, _)| format!("<itemref idref='{name}'/>")).collect();
    let package = format!(
        "<package><manifest><item id='nav' href='nav.xhtml' properties='nav'/>{items}</manifest><spine>{order}{package}"
    );
    let mut all: Vec<(&str, &[u8])> = vec![
        ("mimetype", b"application/epub+zip"),
        ("META-INF/container.xml", container.as_bytes()),
        ("book.opf", package.as_bytes()),
        ("nav.xhtml", contents.as_bytes()),
    ];
    all.extend(files.iter().map(|(name, content)| (*name, content.as_bytes())));
    zipped(&all)
}

#[test]
fn chapters_are_those_that_the_contents_list() {
    let contents = "<html><body><nav epub:type='toc'><ol><li><a href='a'>One</a><ol><li>Within</li></ol></li>\
        <li><a href='b'>Two</a></li></ol></nav><nav epub:type='landmarks'><ol><li>Cover</li></ol></nav></body></html>";
    let files = [("cover", "<p>cover</p>"), ("a", "<p>one</p>"), ("b", "<p>two</p>")];
    let end = "</spine></package>";
    let whole = seen("a.epub", book(end, contents, &files));
    assert_eq!((fact(&whole, "chapters"), whole.partial), (Some("2"), false));
    let without = seen("a.epub", book(end, "", &files));
    assert_eq!(fact(&without, "chapters"), None, "nobody says how many there are");
    let lacking = seen("a.epub", book(&format!("<itemref idref='c'/>{end}"), contents, &files));
    assert!(lacking.partial, "a file is not there");
    let broken = seen("a.epub", book("<", contents, &files));
    assert!(broken.partial && broken.text.contains("two"));
    let many: Vec<String> = (0..120).map(|at| format!("f{at}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "<p>x</p>")).collect();
    let seen = seen("a.epub", book(end, contents, &many));
    assert_eq!((fact(&seen, "chapters"), seen.partial), (Some("2"), true));
}

#[test]
fn xml_that_breaks_off() {
    let word = |rest: &str| {
        let text = format!("<w:document><w:body><w:p><w:r><w:t>Words</w:t></w:r></w:p>{rest}");
        seen("a.docx", zipped(&[("word/document.xml", text.as_bytes())]))
    };
    assert!(!word("</w:body></w:document>").partial);
    for rest in ["", "<w:p", "</w:body><w:p a=", "<!-- "] {
        let seen = word(rest);
        assert!(seen.partial && seen.text.contains("Words"), "{rest}");
    }
    let slide = |rest: &str| {
        let text = format!("<p:sld><a:p><a:t>Words</a:t></a:p>{rest}");
        seen(
            "a.pptx",
            zipped(&[("ppt/presentation.xml", b"<p/>"), ("ppt/slides/slide1.xml", text.as_bytes())]),
        )
    };
    assert!(!slide("</p:sld>").partial && slide("<a:p").partial);
    assert!(!seen("a.ods", calc("<table></table>")).partial && seen("a.ods", calc("<table><")).partial);
    let map = |rest: &str| {
        seen(
            "a.mmap",
            zipped(&[("Document.xml", format!("<Map><Topic><Text PlainText='a'/>{rest}").as_bytes())]),
        )
    };
    assert!(!map("</Topic></Map>").partial && map("<").partial);
    let data = seen("a.xml", "<?xml version='1.0'?><a>one</a><b <c>needle</c>");
    assert!(data.text.contains("needle"), "searched as it stands: {}", data.text);
}

#[test]
fn text_that_speaks_of_pdf() {
    for (name, text) in [
        ("a.md", "# Formats\n\nA PDF begins with %PDF-1.4 and a line of bytes.\n"),
        ("a.txt", "%PDF-1.4 is how it begins\n"),
        ("a", "see %PDF-1.7\n"),
        ("a.py", "MARK = b'%PDF-'\nif data.startswith(MARK): print(1, 0, 'obj')\n"),
        ("a.html", "<p>%PDF-1.4 1 0 obj</p>"),
    ] {
        let seen = seen(name, text);
        assert_ne!(seen.mime, "application/pdf", "{name}");
        assert!(!seen.partial && !matches!(seen.body, Body::Hex(_) | Body::Original), "{name}");
    }
    let file = "%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>";
    for (name, bytes) in [
        ("a", file.to_owned()),
        ("a.png", file.to_owned()),
        ("a.pdf", format!("something before it\n{file}")),
        ("a", format!("\0\u{1}\u{2} before it\n{file}")),
    ] {
        assert_eq!(seen(name, bytes).mime, "application/pdf", "{name}");
    }
    // an archive with a PDF in it, as it stands
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    archive.start_file("a.pdf", stored).unwrap();
    std::io::Write::write_all(&mut archive, file.as_bytes()).unwrap();
    assert_eq!(seen("a.zip", archive.finish().unwrap().into_inner()).mime, "application/zip");
}

#[test]
fn front_matter() {
    let seen = seen(
        "a.md",
        "---\ntitle: >-\n  A title\n  of two lines\nplace: the needle\nauthor:\n  - Ada\n  - Eve\n---\nText with words.\n",
    );
    assert_eq!(seen.title.as_deref(), Some("A title of two lines"));
    assert_eq!(fact(&seen, "author"), Some("Ada, Eve"));
    assert!(seen.text.contains("the needle") && seen.snippet.starts_with("Text with"), "{}", seen.text);
}

#[test]
fn words_of_music_have_an_end() {
    // ID3v2.4: artist, and words without music, each of 600 KB
    let mut tag = Vec::new();
    let text = "artist ".repeat(90_000);
    for (name, head) in [("TPE1", &b"\x03"[..]), ("TIT2", b"\x03"), ("USLT", b"\x03eng\0")] {
        let len = (head.len() + text.len()) as u32;
        let sizes = [len >> 21 & 127, len >> 14 & 127, len >> 7 & 127, len & 127].map(|size| size as u8);
        tag.extend(name.bytes().chain(sizes).chain([0, 0]).chain(head.iter().copied()).chain(text.bytes()));
    }
    let len = tag.len() as u32;
    let mut file = b"ID3\x04\0\0".to_vec();
    file.extend([len >> 21 & 127, len >> 14 & 127, len >> 7 & 127, len & 127].map(|size| size as u8));
    file.extend(&tag);
    let frame = [&b"\xff\xfb\x10\xc4"[..], &[0; 100]].concat();
    (0..20).for_each(|_| file.extend(&frame));
    let seen = ends("a.mp3", file);
    assert!(seen.partial && seen.text.starts_with("artist"), "{}", seen.text.len());
    assert!(seen.text.len() <= 256 * 1024, "{}", seen.text.len());
}

#[test]
fn a_long_title_is_told() {
    let page = format!("<title>{}</title><p>x</p>", "word ".repeat(150));
    let seen = seen("a.html", page);
    assert!(seen.partial && seen.title.as_ref().is_some_and(|title| title.ends_with('…')));
}

#[test]
fn what_a_picture_says_can_be_searched() {
    // TIFF with nothing but a description: tag 270, of type 2
    let description = long() + "\0";
    let mut file = b"II*\0\x08\0\0\0\x01\0\x0e\x01\x02\0".to_vec();
    file.extend((description.len() as u32).to_le_bytes().into_iter().chain([26, 0, 0, 0, 0, 0, 0, 0]));
    file.extend(description.bytes());
    let seen = seen("a.tiff", file);
    assert!(seen.text.ends_with("needle") && seen.partial, "{}", seen.text);
    assert!(seen.title.is_some_and(|title| title.ends_with('…')));
}
