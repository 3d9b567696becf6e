//! Small files that would become large, deep or slow: each ends within the time and memory that a preview may have.
//! (`mutations.rs` measures memory; here a file that took it all would end the program.)

use crate::clock::processor_time;
use crate::corpus::files;
use crate::samples::{deflated, gzipped, seen, zipped};
use encbox::preview::{Body, Preview};

/// Seconds of a processor that one preview may take.
const SECONDS: f64 = 2.0;

#[track_caller]
pub(crate) fn ends(name: &str, bytes: impl AsRef<[u8]>) -> Preview {
    let start = processor_time();
    let seen = seen(name, bytes);
    let took = processor_time() - start;
    assert!(took < SECONDS, "{name} took {took} s");
    assert!(seen.to_html().len() < 32 * 1024 * 1024, "{name}");
    seen
}

const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

#[test]
fn unpacking_has_an_end() {
    let zeros = vec![0; 64 * 1024 * 1024];
    let blanks = vec![b' '; 64 * 1024 * 1024];
    assert!(ends("a.gz", gzipped(&zeros)).partial);
    assert!(ends("a.txt.gz", gzipped(&blanks)).partial);
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(zeros.len() as u64);
    tar.append_data(&mut header, "zeros", &zeros[..]).unwrap();
    let seen = ends("a.tar.gz", gzipped(&tar.into_inner().unwrap()));
    assert!(seen.partial && seen.text.contains("zeros"));
    let document =
        ["<w:document><w:body><w:p><w:r><w:t>Title</w:t></w:r></w:p>", &" ".repeat(64 * 1024 * 1024)]
            .concat();
    let seen = ends("a.docx", zipped(&[("word/document.xml", document.as_bytes())]));
    assert!(seen.mime == WORD && seen.partial && seen.text.contains("Title"));
    let cells = [
        "<table:table><table:table-row>".to_owned(),
        "<table:table-cell table:number-columns-repeated='16384'><text:p>x</text:p></table:table-cell>"
            .repeat(1000),
        "</table:table-row>".to_owned(),
    ]
    .concat();
    let content = cells.repeat(40);
    ends(
        "a.ods",
        zipped(&[
            ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
            ("content.xml", content.as_bytes()),
        ]),
    );
    let cells = "<row>".to_owned() + &"<c r='XFD1'><v>1</v></c>".repeat(10) + "</row>";
    let sheet = format!("<worksheet><sheetData>{}</sheetData></worksheet>", cells.repeat(50_000));
    ends(
        "a.xlsx",
        zipped(&[
            ("xl/workbook.xml", b"<workbook><sheets><sheet name='a'/></sheets></workbook>"),
            ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        ]),
    );
}

#[test]
fn a_picture_that_claims_to_be_huge_is_not_unpacked() {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\x01\0\0\0\x01\0\0\x08\x06\0\0\0".to_vec();
    let checksum = crc32fast::hash(&png[12..]);
    png.extend(checksum.to_be_bytes());
    let data = deflated(&vec![0; 16 * 1024 * 1024]);
    png.extend((data.len() as u32).to_be_bytes());
    png.extend(b"IDAT");
    png.extend(&data);
    png.extend(crc32fast::hash(&[b"IDAT", &data[..]].concat()).to_be_bytes());
    // passes over a picture that cost nothing in the file
    let (_, jpeg) = files().into_iter().find(|(name, _)| name == "progressive.jpg").unwrap();
    let last = jpeg.windows(2).rposition(|window| window == b"\xff\xda").unwrap();
    let mut passes = jpeg[..jpeg.len() - 2].to_vec();
    (0..100_000).for_each(|_| passes.extend(&jpeg[last..last + 10]));
    ends("a.jpg", passes);
    let seen = ends("a.png", png);
    assert!(seen.thumbnail.is_none() && seen.partial);
    assert_eq!(seen.facts[0].value, "65536 × 65536");
}

/// A packed stream as it stands in a PDF, its bytes written as characters.
fn stream(number: usize, data: &[u8]) -> String {
    let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{number} 0 obj<</Filter[/ASCIIHexDecode/FlateDecode]/Length {}>>stream\n{hex}>\nendstream endobj\n",
        hex.len() + 1
    )
}

#[test]
fn pdf() {
    let bomb = deflated(&vec![b' '; 64 * 1024 * 1024]);
    for kind in [
        "/Type /ObjStm /N 100000 /First 10",
        "/Type /XRef /W [1 1 1] /Size 9000000",
        "/Type /Obj#53tm /N 1 /First 1",
        "",
    ] {
        let mut pdf = format!("%PDF-1.5\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
            3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R>>endobj\n4 0 obj<<{kind}/Filter/FlateDecode/Length {}>>stream\n", bomb.len()).into_bytes();
        pdf.extend(&bomb);
        pdf.extend(b"\nendstream endobj\ntrailer<</Root 1 0 R>>\nstartxref\n0\n%%EOF");
        ends("a.pdf", pdf);
    }
    // ever so many objects, and streams that may hold objects
    let objects: String = (0..200_000).map(|i| format!("{i} 0 obj[]endobj\n")).collect();
    assert!(ends("a.pdf", format!("%PDF-1.4\n{objects}trailer<</Root 1 0 R>>")).partial);
    ends("a.pdf", format!("%PDF-1.4\n{}trailer<</Root 1 0 R>>", "1 0 obj<</#>>stream\n".repeat(200_000)));
    let pages = |kids: &str, rest: &str| {
        format!(
            "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[{kids}]/Count 9>>endobj\n{rest}trailer<</Root 1 0 R>>"
        )
    };
    let page = |contents: &str, font: &str| {
        format!("3 0 obj<</Type/Page/Contents {contents}/Resources<</Font<<{font}>>>>>>endobj\n")
    };
    ends(
        "a.pdf",
        pages(
            "3 0 R",
            &(page(&format!("[{}]", "4 0 R ".repeat(100_000)), "") + &stream(4, &deflated(&[b' '; 9000]))),
        ),
    );
    ends("a.pdf", pages("3 0 R", &page("[", "")) + &"() ".repeat(1_000_000));
    ends("a.pdf", pages(&"3 0 R ".repeat(200_000), &page("4 0 R", &"/a 5 0 R".repeat(50_000))));
    ends("a.pdf", pages("3 0 R", &(page("4 0 R", "") + &"4 0 obj<</Length 4 0 R>>stream\n".repeat(50_000))));
    // pages that contain themselves, lists in lists in lists, and long ones
    ends("a.pdf", b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>endobj\ntrailer<</Root 1 0 R>>");
    ends("a.pdf", format!("%PDF-1.4\n1 0 obj{}endobj\ntrailer<</Root 1 0 R>>", "[".repeat(1_000_000)));
    ends("a.pdf", format!("%PDF-1.4\n1 0 obj{}endobj\ntrailer<</Root 1 0 R>>", "<</a".repeat(500_000)));
    ends("a.pdf", format!("%PDF-1.4\n1 0 obj({}endobj\ntrailer<</Root 1 0 R>>", "(".repeat(1_000_000)));
    ends("a.pdf", format!("%PDF-1.4\n{}trailer<</Root 1 0 R>>", "1 0 obj<<>>stream\n".repeat(100_000)));
    ends("a.pdf", format!("%PDF-1.4\n{}", "startxref\n9\n%%EOF\n".repeat(100_000)));
    ends(
        "a.pdf",
        format!(
            "%PDF-1.4\n{}trailer<</Root 1 0 R>>",
            (0..100_000).map(|i| format!("{i} 0 obj[{i} 0 R]endobj\n")).collect::<String>()
        ),
    );
}

#[test]
fn html() {
    for (what, times) in [
        ("<div>", 100_000),
        ("<b>", 100_000),
        ("<p>", 100_000),
        ("<a href=x>", 50_000),
        ("<table>", 50_000),
        ("<table><tr><td>", 40_000),
        ("<li>", 100_000),
        ("<dd><li>", 60_000),
        ("<font size=1>", 50_000),
        ("<button><p>", 50_000),
        ("<p><b><i><u><s>", 40_000),
        ("<svg>", 100_000),
        ("<math><mi>", 50_000),
        ("<select><option>", 40_000),
        ("<template>", 50_000),
        ("</p>", 100_000),
        ("</b></i>", 50_000),
        ("&lt;", 100_000),
        ("<ruby><rt>", 50_000),
        ("<h1>", 100_000),
        ("<!--", 100_000),
        ("<x y", 100_000),
        ("<a b=c ", 60_000),
        ("<", 500_000),
        ("<i>a</b>", 60_000),
        ("<table>a<tr>b", 40_000),
        ("&#x1F600", 60_000),
    ] {
        ends("a.html", what.repeat(times));
    }
    let different: String = (0..20_000).map(|i| format!("<b id={i}><i class=c{i}>")).collect();
    ends("a.html", different.clone() + &"<p>x".repeat(20_000));
    ends("a.html", "<p>".to_owned() + &different + &"<div>x</div>".repeat(20_000));
    ends("a.html", format!("<a{}>", " b=c".repeat(100_000)));
}

#[test]
fn markdown() {
    for (what, times) in [
        ("*", 200_000),
        ("**a ", 100_000),
        ("_a_", 100_000),
        ("[", 200_000),
        ("[a](", 100_000),
        ("![", 100_000),
        ("> ", 200_000),
        ("- ", 200_000),
        ("`", 200_001),
        ("<", 200_000),
        ("[[a", 100_000),
        ("a\n: b\n", 60_000),
        ("[^a]", 100_000),
        ("[^a]: b\n", 60_000),
        ("\\", 200_000),
        ("&amp;", 100_000),
        ("# a\n", 100_000),
        ("1. ", 100_000),
        ("| a ", 100_000),
        ("~~a", 100_000),
        ("<!--", 100_000),
        ("[a]: b\n", 60_000),
        ("![[a]]", 60_000),
        ("*a **b ", 60_000),
        ("```\n", 100_000),
        ("    a\n\n", 60_000),
        ("a_", 200_000),
        ("<?", 100_000),
        ("<a ", 100_000),
        ("[a][b]", 60_000),
        ("(((", 100_000),
        ("\t", 200_000),
        ("> - ", 60_000),
    ] {
        ends("a.md", what.repeat(times));
    }
    // blocks of lines as long as they are marked
    for language in ["cpp", "erl", "lisp", "scala"] {
        let lines = ("(".repeat(480) + "\n").repeat(12);
        ends("a.md", format!("```{language}\n{lines}```\n\n").repeat(8));
    }
    ends("a.md", "# a <b>x\n".repeat(50_000));
    // cells that are not there are made up, row by row
    let wide = format!("{}\n{}\n{}", "|a".repeat(20_000), "|-".repeat(20_000), "|\n".repeat(20_000));
    assert!(ends("a.md", wide).partial);
    let lists: String = (0..2000).map(|i| format!("{}- a\n", " ".repeat(i))).collect();
    ends("a.md", lists);
}

#[test]
fn code_and_data() {
    for name in ["a.py", "a.js", "a.c", "a.sh", "a.yaml", "a.json", "a.xml", "a.css", "a.php", "a.tex"] {
        for (what, times) in [
            ("(", 100_000),
            ("{\n", 100_000),
            ("\"", 100_000),
            ("/*", 100_000),
            ("a ", 200_000),
            ("<a>\n", 60_000),
            ("\\\n", 100_000),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", 8000),
            ("- a: b\n", 60_000),
            ("a = b(c, d[e]) # f\n", 20_000),
            ("        ", 60_000),
            ("a<b<c<d<e<f<", 20_000),
            ("$(`", 60_000),
        ] {
            ends(name, what.repeat(times));
        }
    }
    // lines as long as they are marked, where grammars look to the end and back from everywhere
    for name in ["Makefile", "a.erl", "a.cpp", "a.lisp", "a.scala"] {
        for piece in ["(", "$", "\"", "<", "a", "b ", "=", ":", "%", "\\", "if ", "$(a", "'\"`{["] {
            let line = piece.repeat(480 / piece.len()) + "\n";
            ends(name, line.repeat(20));
        }
    }
    ends("a.json", "[".repeat(500_000));
    ends("a.json", "{\"a\":".repeat(100_000));
    ends("a.json", format!("[{}]", "[[[[[[[[[[1,1],1],1],1],1],1],1],1],1],1],".repeat(10_000)));
}

#[test]
fn xml() {
    let laughs = (1..20)
        .map(|i| format!("<!ENTITY a{i} '{}'>", format!("&a{};", i - 1).repeat(10)))
        .collect::<String>();
    let laughs = format!("<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a0 'ha'>{laughs}]>");
    for name in ["a.xml", "a.opml", "a.mm", "a.svg"] {
        let root = match name {
            "a.opml" => "<opml><body>",
            "a.mm" => "<map><node TEXT='&a19;'>",
            "a.svg" => "<svg>",
            _ => "<x>",
        };
        ends(name, format!("{laughs}{root}<outline text='&a19;'/>&a19;"));
        for element in [
            "<a>",
            "<style>.a{",
            "<outline text='x'>",
            "<node TEXT='x'>",
            "<g>",
            "<use href='#a'/>",
            "<richcontent TYPE='NODE'><b>",
            "<![CDATA[",
            "<!--",
            "<a b='",
            "&",
            "&a;",
        ] {
            ends(name, root.to_owned() + &element.repeat(400_000 / element.len()));
        }
        ends(name, format!("{root}<outline{}/>", " a='b'".repeat(60_000)));
    }
}

#[test]
fn drawings() {
    // calls without an end; styles that stand for far more in every element
    ends("a.svg", format!("<svg><rect fill='{}'/></svg>", "url(".repeat(400_000)));
    ends("a.svg", format!("<svg><rect fill='{}'/></svg>", "url(\"#".repeat(250_000)));
    ends("a.svg", format!("<svg><rect fill='{}'/></svg>", "a (".repeat(600_000)));
    ends("a.svg", format!("<svg><rect style='{}'/></svg>", "fill:url(".repeat(200_000)));
    let long = format!("fill:url(#{})", "q".repeat(1_000_000));
    for value in [long.as_str(), "fill:url(#q);".repeat(70_000).as_str()] {
        let style = format!("<style>.a{{{value}}}</style>");
        let inside = "<rect class='a'/>".repeat(50_000);
        ends("a.svg", format!("<svg>{style}<pattern id='p'>{inside}</pattern></svg>"));
        ends("a.svg", format!("<svg>{style}{inside}</svg>"));
    }
    let many: String = ["fill", "stroke", "opacity", "color", "mask", "filter"]
        .iter()
        .map(|name| format!("{name}:url(#{});", "q".repeat(200)))
        .collect();
    let style = format!("<style>.a{{{many}}}</style>");
    let inside = "<rect class='a a a a a a a a'/>".repeat(60_000);
    ends("a.svg", format!("<svg>{style}<pattern id='p'>{inside}</pattern></svg>"));
}

#[test]
fn maps_outlines_and_mail() {
    let mut topics = String::new();
    (0..100_000).for_each(|_| topics.push_str("{\"children\":{\"attached\":["));
    let seen = ends(
        "a.xmind",
        zipped(&[
            ("content.json", format!("[{{\"rootTopic\":{topics}").as_bytes()),
            ("metadata.json", b"{}"),
        ]),
    );
    assert!(matches!(seen.body, Body::Listing(_)), "what is too deep is listed");
    let flat = format!(
        "[{{\"rootTopic\":{{\"title\":\"r\",\"children\":{{\"attached\":[{}{{}}]}}}}}}]",
        "{\"title\":\"t\"},".repeat(300_000)
    );
    assert!(ends("a.xmind", zipped(&[("content.json", flat.as_bytes()), ("metadata.json", b"{}")])).partial);
    ends("a.mmap", zipped(&[("Document.xml", "<ap:Topic>".repeat(300_000).as_bytes())]));
    let nested: String =
        (0..20_000).map(|i| format!("Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n")).collect();
    ends("a.eml", format!("From: a@b.c\nDate: Tue, 1 Apr 2025 10:00:00 +0000\nMIME-Version: 1.0\n{nested}"));
    let nested = "Content-Type: message/rfc822\n\nFrom: a@b.c\n".repeat(20_000);
    ends("a.eml", format!("From: a@b.c\nDate: Tue, 1 Apr 2025 10:00:00 +0000\n{nested}"));
    ends("a.eml", format!("From: {}\nDate: Tue, 1 Apr 2025 10:00:00 +0000\n\nx", "a@b.c, ".repeat(100_000)));
    ends("a.eml", format!("From: a@b.c\nSubject: {}\nDate: x\n\nx", "=?utf-8?q?x?= ".repeat(100_000)));
    let head = "From: a@b.c\nDate: Tue, 1 Apr 2025 10:00:00 +0000\n";
    for (first, many) in
        [("To: ", "a,"), ("References: ", "<a>"), ("", "X: y\n"), ("Subject: ", "=?utf-8?q?=41?=")]
    {
        ends("a.eml", format!("{head}{first}{}\n\nx", many.repeat(1_000_000)));
    }
    ends("a.rtf", "{\\rtf1".to_owned() + &"{\\b ".repeat(200_000));
    ends("a.rtf", "{\\rtf1".to_owned() + &"\\u1234 \\'ff".repeat(100_000));
    ends("a.csv", ",".repeat(500_000));
    ends("a.csv", "\"".repeat(500_001));
    ends("a.csv", "a\n".repeat(250_000));
}
